// The errors of users. None of them holds an e-mail address or another personal value, not even the caller's own: an error
// is logged. For that reason EMAIL_TAKEN has no cause either; the database's error quotes the address.
import { invalidArgument, notFound, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { userType } from "./user.ts";

export function userNotFound(userId: string): RpcError {
  return notFound(userType, userId);
}

export function emailNotFound(): RpcError {
  return new RpcError({
    code: Code.NOT_FOUND,
    reason: "NOT_FOUND",
    message: "no user has the e-mail address",
    values: { resource_type: userType },
    details: [{ type: "ResourceInfo", resourceType: userType, resourceName: "" }],
  });
}

export function emailTaken(): RpcError {
  const description = "is the e-mail address of another user";
  return new RpcError({
    code: Code.ALREADY_EXISTS,
    reason: "EMAIL_TAKEN",
    message: "the e-mail address belongs to another user",
    details: [
      { type: "BadRequest", violations: [{ field: "user.email", description, reason: "user.email_taken" }] },
    ],
  });
}

export function unknownRoles(roles: readonly string[], known: ReadonlySet<string>): RpcError {
  return invalidArgument(
    roles.flatMap((role, index) =>
      known.has(role)
        ? []
        : [
            {
              field: `user.roles[${index}]`,
              description: `must be one of ${[...known].join(", ")}`,
              reason: "user.unknown_role",
            },
          ],
    ),
  );
}

/** Better than to forget the password that somebody chose. */
export function passwordNotAvailable(): RpcError {
  const description = "must be empty: this server keeps no passwords";
  return invalidArgument([{ field: "password", description, reason: "user.password_not_available" }]);
}
