// What connections, messages and streams may be; what is beyond is refused or cut: docs/security.md.
import { integer } from "./setting.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export const limits = {
  MAX_MESSAGE_BYTES: integer(
    "Largest message received and sent, after decompression.",
    4 * MIB,
    KIB,
    256 * MIB,
  ),
  MAX_STREAMS_PER_CONNECTION: integer("Calls that one connection may have open.", 1_000, 1, 1_000_000),
  MAX_HEADER_BYTES: integer(
    "Request headers of a call, each counted with 32 bytes more.",
    16 * KIB,
    KIB,
    MIB,
  ),
  MAX_CONNECTIONS: integer("Connections of this process; more are closed unread.", 10_000, 1, 1_000_000),
  MAX_CONNECTIONS_PER_ADDRESS: integer(
    "Connections from one address; callers behind one proxy share it.",
    5_000,
    1,
    1_000_000,
  ),
  HANDSHAKE_TIMEOUT_MS: integer(
    "How long a connection may take for its TLS handshake, and for HTTP/2's first frame.",
    10_000,
    1,
    600_000,
  ),
  CONNECTION_IDLE_MS: integer(
    "A connection without a call for so long is closed.",
    1_800_000,
    1_000,
    2_147_483_646,
  ),
  CONNECTION_AGE_MS: integer(
    "After this, give or take a tenth, a connection takes no new calls, so that callers spread over new servers.",
    3_600_000,
    1_000,
    1_900_000_000,
  ),
  CONNECTION_AGE_GRACE_MS: integer(
    "What calls that are open then are given before the connection is cut.",
    86_400_000,
    0,
    2_147_483_646,
  ),
  KEEPALIVE_MS: integer(
    "How often a connection is asked whether its caller is there.",
    120_000,
    1_000,
    2_147_483_646,
  ),
  KEEPALIVE_TIMEOUT_MS: integer(
    "How long the answer may take; then the connection is cut.",
    20_000,
    1,
    600_000,
  ),
  MAX_CONTROL_FRAMES_PER_MINUTE: integer(
    "PING and SETTINGS frames of a connection in a minute in which it gets nothing but their answers.",
    120,
    1,
    1_000_000,
  ),
  MAX_RESET_BURST: integer(
    "Streams that a connection may reset at once; then it is closed.",
    1_000,
    1,
    1_000_000,
  ),
  MAX_RESETS_PER_SECOND: integer("By how much that allowance grows back each second.", 100, 1, 1_000_000),
  REQUEST_TIMEOUT_MS: integer("How long the one request of a call may take to arrive.", 60_000, 1, 3_600_000),
  READER_TIMEOUT_MS: integer(
    "How long a caller may take to read one message of a response.",
    60_000,
    1,
    3_600_000,
  ),
  MAX_UNSENT_BYTES: integer(
    "Responses that wait for all slow readers together; beyond it the slowest are cut.",
    256 * MIB,
    MIB,
    64 * 1024 * MIB,
  ),
  MAX_WAITING_REQUEST_BYTES: integer(
    "Requests that have come and whose callers keep the call open before it can begin, together.",
    64 * MIB,
    KIB,
    64 * 1024 * MIB,
  ),
};
