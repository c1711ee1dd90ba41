// Where this process listens.
import { integer, optionalInteger, text } from "./setting.ts";

export const addresses = {
  HOST: text("Address to listen on.", "127.0.0.1"),
  GRPC_PORT: integer("Port of gRPC; 0 is any free one.", 50_051, 0, 65_535),
  HTTP_PORT: optionalInteger(
    "Port of JSON over HTTP, served on HOST too; 0 is any free one. Without it there is none; `make run` sets 8080.",
    0,
    65_535,
  ),
  HTTP_CORS_ORIGINS: text(
    "Web pages that may call over HTTP, comma separated, such as https://shop.example.com; * is every page.",
    "",
  ),
  ADMIN_PORT: integer(
    "Port of metrics, health and diagnostics over HTTP; 0 is any free one.",
    9_464,
    0,
    65_535,
  ),
  ADMIN_HOST: text("Address of the admin port, which asks nobody who he is.", "127.0.0.1"),
};
