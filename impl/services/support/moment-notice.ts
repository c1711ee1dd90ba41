// What processes tell each other of moments, as payloads of PostgreSQL's notifications. Nothing of it is stored, and any of it may be
// lost: presence is read again now and then, and typing is forgotten by itself.

export type Moment =
  /** Who is in the room has changed. */
  | readonly [roomId: string]
  /** Somebody types, or has stopped. */
  | readonly [roomId: string, userId: string, typing: boolean];

export interface Notice {
  readonly processId: string;
  readonly moments: readonly Moment[];
}

/** PostgreSQL takes payloads of less than 8000 bytes. */
const maxMomentChars = 6_000;

/** As few payloads as hold them all. Ids are ASCII, so that a character is a byte. */
export function encodeNotices(processId: string, moments: Iterable<Moment>): string[] {
  const notices: string[] = [];
  let texts: string[] = [];
  let chars = 0;
  const close = (): void => {
    if (texts.length > 0) notices.push(`["${processId}",${texts.join()}]`);
    texts = [];
    chars = 0;
  };
  for (const moment of moments) {
    const text = JSON.stringify(moment);
    if (chars + text.length > maxMomentChars) close();
    texts.push(text);
    chars += text.length + 1;
  }
  close();
  return notices;
}

/** Throws a SyntaxError or TypeError for what no process of ours has sent. */
export function decodeNotice(payload: string): Notice {
  const [processId, ...moments]: unknown[] = asArray(JSON.parse(payload));
  return { processId: String(processId), moments: moments.map(momentOf) };
}

function momentOf(value: unknown): Moment {
  const [roomId, userId, typing] = asArray(value);
  return userId === undefined ? [String(roomId)] : [String(roomId), String(userId), typing === true];
}

function asArray(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError("a notice of moments is no array");
}
