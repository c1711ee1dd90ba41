// `make certs`: development certificates in a folder, and how to serve with them. Arguments: the folder, then further names of the server.
import { resolve } from "node:path";
import { makeDevelopmentCertificates } from "./auth/development-certificates.ts";
import { systemClock } from "./runtime/clock.ts";

const [folder, ...hosts] = process.argv.slice(2);
if (folder === undefined)
  throw new Error("usage: node impl/make-certs.ts <folder> [name or address of the server ...]");
const files = await makeDevelopmentCertificates(resolve(folder), { hosts, now: systemClock.now() });
process.stdout.write(
  [
    files.made.length === 0 ? `${folder}: nothing to renew` : `${folder}: made ${files.made.join(", ")}`,
    `TLS_CERT_FILE=${files.serverCert} TLS_KEY_FILE=${files.serverKey} TLS_CA_FILE=${files.ca} make run`,
    `  and TLS_CLIENT_CA_FILE=${files.ca} to admit only clients with a certificate, such as ${files.clientCert}`,
    "",
  ].join("\n"),
);
