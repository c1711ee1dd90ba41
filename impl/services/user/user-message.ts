// A user as the message that callers see.
import type { User as UserMessage } from "#proto/ecommerce/v1/user.ts";
import { etagOf } from "../shared/etag.ts";
import type { User } from "./user.ts";

export function toMessage(user: User): UserMessage {
  return {
    userId: user.userId,
    email: user.email,
    profile: user.profile,
    roles: [...user.roles],
    state: user.state,
    etag: etagOf(user.version),
    createTime: user.createTime,
    updateTime: user.updateTime,
    deleteTime: user.deleteTime,
  };
}

const bytesOfTheRest = 256;
const bytesOfAField = 4;

/** Never less than the message has on the wire, and for ASCII about three times as much. Cheaper than encoding it. */
export function bytesAtMost({ email, roles, profile }: UserMessage): number {
  let bytes = bytesOfTheRest + textBytes([email, ...roles]);
  if (profile === undefined) return bytes;
  const { displayName, givenName, familyName, phone, locale, addresses } = profile;
  bytes += textBytes([displayName, givenName, familyName, phone, locale]);
  for (const { label, recipient, addressLines, city, region, postalCode, countryCode } of addresses) {
    bytes += bytesOfAField;
    bytes += textBytes([label, recipient, city, region, postalCode, countryCode, ...addressLines]);
  }
  return bytes;
}

/** A UTF-16 unit is at most 3 bytes of UTF-8. */
function textBytes(texts: readonly string[]): number {
  return texts.reduce((bytes, text) => bytes + bytesOfAField + 3 * text.length, 0);
}
