// The one call that every server of the benchmarks answers: GetUser with a user of ordinary size, from memory.
import { GetUserRequest, GetUserResponse } from "#proto/ecommerce/v1/user.ts";

export const GET_USER = "/ecommerce.v1.UserService/GetUser";

/** A stable user id for each index. */
export function userId(index: number): string {
  return `019aa0f4-7c1e-7000-8000-${index.toString(16).padStart(12, "0")}`;
}

export function getUserRequest(index: number): Uint8Array {
  return GetUserRequest.encode({ userId: userId(index), readMask: undefined }).finish();
}

export function answer(id: string): GetUserResponse {
  return GetUserResponse.fromPartial({
    user: {
      userId: id,
      email: "ada.lovelace@example.com",
      state: 1,
      roles: ["customer"],
      profile: { displayName: "Ada Lovelace", givenName: "Ada", familyName: "Lovelace", locale: "en-GB" },
      etag: "W8x0cWJtT2s",
      createTime: new Date("2026-01-02T03:04:05Z"),
      updateTime: new Date("2026-02-03T04:05:06Z"),
    },
  });
}
