// Takes what looks like a secret out of text that nobody wrote for a log: messages of errors, values in them. The last net, not the
// first: what is known to be secret is left out by field (sensitive-names.ts) or by key (loggable.ts), and a name in prose is not seen here.

/** Each is bounded or anchored where it begins, so that no text takes more than linear time. */
const PATTERNS: ReadonlyArray<readonly [pattern: RegExp, replacement: string]> = [
  // A JSON Web Token: base64url of '{"' and two more parts.
  [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, "[token]"],
  [/\b(Bearer|Basic) {1,4}[\w.~+/=-]+/gi, "$1 [secret]"],
  [/(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,64}):[^\s@/]{1,128}@/gi, "$1:[secret]@"],
  [/[\w.%+'-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+/gi, "[email]"],
];

/** 13 to 19 digits, perhaps in groups, that begin as card numbers do; so a time in milliseconds is none. */
const CARD = /(?<!\d)[2-6](?:[ -]?\d){12,18}(?!\d)/g;

/** Text without e-mail addresses, tokens, credentials in URLs and headers, and numbers that pass as card numbers. */
export function scrub(text: string): string {
  let scrubbed = text;
  for (const [pattern, replacement] of PATTERNS) scrubbed = scrubbed.replace(pattern, replacement);
  return scrubbed.replace(CARD, (digits) => (passesLuhn(digits) ? "[card]" : digits));
}

function passesLuhn(text: string): boolean {
  const digits = [...text].filter((character) => character >= "0" && character <= "9").map(Number);
  const sum = digits.toReversed().reduce((total, digit, i) => {
    const weighted = i % 2 === 0 ? digit : digit * 2;
    return total + (weighted > 9 ? weighted - 9 : weighted);
  }, 0);
  return sum % 10 === 0;
}
