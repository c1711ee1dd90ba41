// Certificates of this server and of those that it calls.
import { integer, oneOf, optional } from "./setting.ts";

export const tls = {
  TLS_CERT_FILE: optional(
    "Certificate chain of the gRPC port, PEM, looked at again for changes. Without it connections are plaintext.",
  ),
  TLS_KEY_FILE: optional("Private key of TLS_CERT_FILE, PEM."),
  TLS_CLIENT_CA_FILE: optional(
    "Authorities of client certificates, PEM. With it, only clients that show one are let in.",
  ),
  TLS_CA_FILE: optional(
    "Authorities of the servers that this process calls over TLS, PEM. Without it those of Node.",
  ),
  TLS_SERVER_NAME: optional(
    "Name that certificates of called services must carry. Without it the host that is called.",
  ),
  TLS_MIN_VERSION: oneOf("Oldest version of TLS accepted.", ["TLSv1.2", "TLSv1.3"], "TLSv1.2"),
  TLS_RELOAD_SECONDS: integer("How often the TLS files are looked at for changes.", 10, 1, 86_400),
};
