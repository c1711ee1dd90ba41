// Which services a process serves, and how it finds the others.
import { integer, oneOf, optional, text } from "./setting.ts";

export const processes = {
  SERVICES: text("Services that this process serves, comma separated: user, product, ...; or all.", "all"),
  REPLICAS: text(
    "Processes of a service with `make up`, comma separated: order=2, product=2. Others have one.",
    "",
  ),
  SUPERVISED: oneOf(
    "Started by another process: stop when standard input ends, and print no instructions.",
    ["0", "1"],
    "0",
  ),
  GATEWAY: oneOf(
    "Forward calls of the services that this process does not serve to where they are.",
    ["0", "1"],
    "0",
  ),
  TRUSTED_GATEWAYS: text(
    "Addresses or networks of gateways, comma separated, such as 10.0.0.0/8: they are believed from where the calls come that they forward.",
    "",
  ),
  BACKENDS: text(
    "Where services of other processes are, comma separated: order=host:port|host:port, user=dns:name:port, *=registry. Without it the registry, where one is configured.",
    "",
  ),
  BACKEND_CONNECTIONS: integer(
    "Connections to one instance of another process at most; another is made when those that are there carry all the calls they may.",
    16,
    1,
    1_000,
  ),
  BACKEND_BALANCING: oneOf(
    "Which instance gets a call: one with few calls under way for its weight, or each in turn by weight.",
    ["byLoad", "inTurn"],
    "byLoad",
  ),
  REGISTRY_ADDRESS: optional(
    "Where the service registry is: host:port|host:port or dns:name:port. With it, and with GATEWAY where the registry is served, this process registers what it serves.",
  ),
  ADVERTISED_HOST: optional(
    "Name or address under which other processes reach this one, as the registry is told. Without it HOST, or the machine's name where that is any address.",
  ),
  ADVERTISED_ZONE: text("Where this process runs, such as eu-west-1a, as the registry is told.", ""),
  REGISTRY_LEASE_SECONDS: integer(
    "How long the registry keeps an instance that sends no heartbeat.",
    15,
    5,
    300,
  ),
  ORDER_LEASE_MS: integer(
    "How long an order stays with a process that is silent before another goes on with it.",
    10_000,
    1_000,
    600_000,
  ),
};
