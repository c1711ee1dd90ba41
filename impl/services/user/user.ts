// What a user is, and the rules that the schema's field rules cannot say. No I/O.
import { UserProfile, UserState } from "#proto/ecommerce/v1/user.ts";

export { UserProfile, UserState };

export const userType = "ecommerce.v1.User";

/** The role of whoever registers. */
export const defaultRole = "customer";

export type User = {
  readonly userId: string;
  /** As it was written. Unique among users that are not deleted, without regard to case. */
  readonly email: string;
  readonly profile: UserProfile | undefined;
  readonly roles: readonly string[];
  readonly state: UserState;
  /** Grows with every change. */
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
  /** Set exactly while the user is deleted. */
  readonly deleteTime: Date | undefined;
};

export type NewUser = Pick<User, "userId" | "email" | "profile" | "roles">;

export type StateChange = "suspend" | "reactivate" | "delete" | "undelete";

const { USER_STATE_ACTIVE: active, USER_STATE_SUSPENDED: suspended, USER_STATE_DELETED: deleted } = UserState;

/** The state after the change, the same one when it has no effect; undefined when the state does not allow it. */
export function transition(state: UserState, change: StateChange): UserState | undefined {
  switch (change) {
    case "suspend":
      return state === deleted ? undefined : suspended;
    case "reactivate":
      return state === deleted ? undefined : active;
    case "delete":
      return deleted;
    case "undelete":
      return state === deleted ? active : state;
  }
}

export function isDeleted(user: User): boolean {
  return user.state === deleted;
}

/** Nobody chooses to hold no role at all: who names none becomes a customer. */
export function rolesAtCreation(chosen: readonly string[]): readonly string[] {
  return chosen.length === 0 ? [defaultRole] : chosen;
}

/** Whether both grant the same. */
export function sameRoles(some: readonly string[], others: readonly string[]): boolean {
  return new Set(some).symmetricDifference(new Set(others)).size === 0;
}
