// Who is believed, for how long, and under which keys.
import { integer, oneOf, optional, secret } from "./setting.ts";

export const credentials = {
  JWKS_FILE: optional(
    "Public keys of access tokens that others sign, a JSON Web Key Set; believed beside the system's own.",
  ),
  DEVELOPMENT_TOKEN: oneOf(
    "Print an administrator's access token at the start, signed by a development key in DATA_DIR that is believed for it. For a machine of one's own, and to make a first administrator.",
    ["0", "1"],
    "0",
  ),
  SERVICE_KEY_FILE: optional(
    "Private Ed25519 key (JSON Web Key) of the tokens with which services call each other, the same in every process; made when missing. Without it one in DATA_DIR.",
  ),
  ACCESS_TOKEN_SECONDS: integer("How long an access token of a session lives.", 900, 60, 3_600),
  REFRESH_TOKEN_DAYS: integer("How long a session lasts that is not refreshed.", 30, 1, 365),
  SESSIONS_PER_USER: integer(
    "Sessions of one user at a time; a login beyond it is refused until one ends.",
    200,
    1,
    100_000,
  ),
  API_KEYS_PER_USER: integer(
    "API keys of one user that have neither expired nor been revoked.",
    100,
    1,
    100_000,
  ),
  TOKEN_CLOCK_SKEW_SECONDS: integer(
    "How far the clocks of those who issue tokens and of those who verify them may differ.",
    5,
    0,
    300,
  ),
  JWT_ALGORITHM: oneOf(
    "How access tokens of sessions are signed: with a private key that is replaced by itself, or with JWT_SECRET.",
    ["EdDSA", "HS256"],
    "EdDSA",
  ),
  JWT_SECRET: secret("Secret that signs and verifies access tokens with HS256, the same in every process."),
  SIGNING_KEY_DAYS: integer(
    "How long a private key signs access tokens until the next one does.",
    30,
    1,
    3_650,
  ),
  SIGNING_KEY_SECRET: secret(
    "Key under which private signing keys are sealed in the database, the same in every process that serves auth. Without it one in DATA_DIR.",
  ),
  PAGE_TOKEN_SECRET: secret(
    "Key under which page and resume tokens are sealed, the same on every replica. Without it one in DATA_DIR.",
  ),
};
