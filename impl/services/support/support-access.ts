// Who may see which room. Access by the policy of the method was checked before; what is checked here needs the room.
import type { Principal } from "#impl/runtime/principal.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { type Participant, ParticipantRole, type Room, roomType, type SeenRoom } from "./room.ts";

export interface Caller {
  readonly userId: string;
  /** Sees all rooms. */
  readonly isAgent: boolean;
}

export type CallerOf = (principal: Principal | undefined) => Caller;

/** Who calls while authentication is switched off, so that nobody is known: then everyone is an agent. */
const nobody: Caller = { userId: "00000000-0000-0000-0000-000000000000", isAgent: true };

/** `checked` is false when authentication is switched off. */
export function createCallerOf(checked: boolean): CallerOf {
  return (principal) => {
    if (principal !== undefined) {
      const isAgent = !checked || principal.permissions.has("support.agent");
      return { userId: principal.userId.toLowerCase(), isAgent };
    }
    // The policies of all methods require a principal.
    if (checked) throw new Error("an anonymous caller reached the support service");
    return nobody;
  };
}

/** What the caller is in a room of this customer; undefined when it may not see it. */
export function participantOf(caller: Caller, customerUserId: string): Participant | undefined {
  const { userId, isAgent } = caller;
  if (userId === customerUserId.toLowerCase())
    return { userId, role: ParticipantRole.PARTICIPANT_ROLE_CUSTOMER };
  return isAgent ? { userId, role: ParticipantRole.PARTICIPANT_ROLE_AGENT } : undefined;
}

/** A room that the caller may not see is NOT_FOUND, like one that does not exist. */
export function requireVisible<R extends Pick<Room, "customerUserId">>(
  caller: Caller,
  room: R | undefined,
  roomId: string,
): { readonly room: R; readonly participant: Participant } {
  const participant = room === undefined ? undefined : participantOf(caller, room.customerUserId);
  if (room === undefined || participant === undefined) throw notFound(roomType, roomId);
  return { room, participant };
}

/** The same for a room that was read for the caller. */
export function requireSeen(caller: Caller, seen: SeenRoom | undefined, roomId: string): SeenRoom {
  const { room } = requireVisible(caller, seen?.room, roomId);
  return { room, unreadCount: seen?.unreadCount ?? 0 };
}
