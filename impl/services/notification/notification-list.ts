// ListNotifications: pages by id. A page ends early where its message would become larger than a caller takes.
import type { Call } from "#impl/runtime/call.ts";
import type {
  ListNotificationsRequest,
  ListNotificationsResponse,
} from "#proto/ecommerce/v1/notification_service.ts";
import type { PageTokens, TokenUse } from "../shared/page-token.ts";
import { fitting } from "./fitting.ts";
import { bytesAtMost, notificationMessage } from "./notification-message.ts";
import type { NotificationConditions, NotificationReads } from "./notification-reads.ts";

const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 500;

export async function listNotifications(
  reads: NotificationReads,
  tokens: PageTokens,
  request: ListNotificationsRequest,
  call: Call,
): Promise<ListNotificationsResponse> {
  const conditions = conditionsOf(request);
  const use: TokenUse = {
    purpose: "notifications.list.1",
    field: "page_token",
    boundTo: JSON.stringify(conditions),
  };
  const before = request.pageToken === "" ? undefined : tokens.open(use, request.pageToken);
  const limit = Math.min(request.pageSize === 0 ? DEFAULT_PAGE_SIZE : request.pageSize, LARGEST_PAGE_SIZE);
  const found = await reads.page(conditions, before, limit + 1, call.signal);
  const notifications = fitting(found.slice(0, limit).map(notificationMessage), bytesAtMost);
  const last = notifications.at(-1);
  const complete = last === undefined || notifications.length === found.length;
  return { notifications, nextPageToken: complete ? "" : tokens.seal(use, last.notificationId) };
}

function conditionsOf(request: ListNotificationsRequest): NotificationConditions {
  return {
    userId: request.userId.toLowerCase(),
    channels: request.channels.toSorted((one, other) => one - other),
    states: request.states.toSorted((one, other) => one - other),
    endpointId: request.endpointId.toLowerCase(),
    unreadOnly: request.unreadOnly,
  };
}
