// The methods of webhook endpoints.

import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import { WebhookEndpoint as EndpointMessage } from "#proto/ecommerce/v1/notification.ts";
import type { NotificationServiceDefinition } from "#proto/ecommerce/v1/notification_service.ts";
import type { Duration } from "#proto/google/protobuf/duration.ts";
import { requireEtag } from "../shared/etag.ts";
import { type FieldMasks, fieldMasks } from "../shared/field-mask.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens, TokenUse } from "../shared/page-token.ts";
import type { SecretBox } from "../shared/secret-box.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import type { AddressPolicy } from "./address-policy.ts";
import { ENDPOINT_TYPE, type EndpointContent, urlViolations } from "./endpoint.ts";
import { endpointMessage } from "./endpoint-message.ts";
import type { SealedSecret } from "./endpoint-writer.ts";
import type { RequireAccess } from "./notification-access.ts";
import type { NotificationStore } from "./notification-store.ts";

export interface EndpointMethodOptions {
  readonly store: NotificationStore;
  readonly schema: Schema;
  readonly tokens: PageTokens;
  readonly newId: NewId;
  readonly clock: Clock;
  readonly secrets: SecretBox;
  readonly addresses: AddressPolicy;
  readonly requireAccess: RequireAccess;
}

type EndpointMethods = Pick<
  HandlersOf<NotificationServiceDefinition>,
  | "createWebhookEndpoint"
  | "getWebhookEndpoint"
  | "listWebhookEndpoints"
  | "updateWebhookEndpoint"
  | "deleteWebhookEndpoint"
  | "rotateWebhookSecret"
>;

const UPDATABLE = ["url", "event_types", "disabled", "display_name"];
const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 200;
const SECRET_BYTES = 32;
const DEFAULT_OVERLAP: Duration = { seconds: 86_400n, nanos: 0 };

export function createEndpointMethods(options: EndpointMethodOptions): EndpointMethods {
  const { store, tokens, newId, clock, secrets, addresses, requireAccess } = options;
  const masks = endpointMasks(options.schema);
  const resource = (name: string) => ({ type: ENDPOINT_TYPE, name });
  return {
    async createWebhookEndpoint(request, { signal }) {
      const userId = request.userId.toLowerCase();
      const content = contentOf(request.endpoint, addresses);
      const endpointId = newId();
      const { secret, sealed } = makeSecret(secrets, endpointId, newId);
      return store.write(signal, async ({ endpoints }) => {
        const endpoint = await endpoints.insert({ endpointId, userId, ...content }, sealed);
        return { endpoint: endpointMessage(endpoint), secret };
      });
    },

    async getWebhookEndpoint({ endpointId }, { principal, signal }) {
      const found = await store.endpoints.find(endpointId, signal);
      const endpoint = requireAccess(found, "webhooks.read", principal, resource(endpointId));
      return { endpoint: endpointMessage(endpoint) };
    },

    async listWebhookEndpoints({ userId, pageSize, pageToken }, { signal }) {
      const use: TokenUse = {
        purpose: "webhooks.list.1",
        field: "page_token",
        boundTo: userId.toLowerCase(),
      };
      const before = pageToken === "" ? undefined : tokens.open(use, pageToken);
      const limit = Math.min(pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize, LARGEST_PAGE_SIZE);
      const found = await store.endpoints.page(userId, before, limit + 1, signal);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        endpoints: page.map(endpointMessage),
        nextPageToken:
          last === undefined || page.length === found.length ? "" : tokens.seal(use, last.endpointId),
      };
    },

    updateWebhookEndpoint({ endpoint: patch = EndpointMessage.create(), updateMask }, { principal, signal }) {
      const { endpointId, etag } = patch;
      return store.write(signal, async ({ endpoints, notifications }) => {
        const found = await endpoints.lock(endpointId);
        const current = requireAccess(found, "webhooks.write", principal, resource(endpointId));
        requireEtag(etag, current.version, ENDPOINT_TYPE, endpointId);
        const before = endpointMessage(current);
        const after = masks.update(before, patch, updateMask);
        if (isDeepStrictEqual(before, after)) return { endpoint: before };
        const changed = await endpoints.replaceContent(current, contentOf(after, addresses));
        if (changed.url !== current.url) await notifications.redirect(endpointId, changed.url);
        return { endpoint: endpointMessage(changed) };
      });
    },

    deleteWebhookEndpoint({ endpointId }, { principal, signal }) {
      return store.write(signal, async ({ endpoints, notifications }) => {
        const found = await endpoints.lock(endpointId);
        requireAccess(found, "webhooks.write", principal, resource(endpointId));
        await endpoints.remove(endpointId);
        await notifications.bury(endpointId, "the endpoint was deleted");
        return {};
      });
    },

    rotateWebhookSecret({ endpointId, overlap = DEFAULT_OVERLAP }, { principal, signal }) {
      const { secret, sealed } = makeSecret(secrets, endpointId.toLowerCase(), newId);
      const overlapEnds = new Date(clock.now() + millisecondsOf(overlap));
      return store.write(signal, async ({ endpoints }) => {
        const found = await endpoints.lock(endpointId);
        const current = requireAccess(found, "webhooks.write", principal, resource(endpointId));
        return { endpoint: endpointMessage(await endpoints.rotate(current, sealed, overlapEnds)), secret };
      });
    },
  };
}

function endpointMasks({ registry }: Schema): FieldMasks<EndpointMessage> {
  const type = registry.getMessage(ENDPOINT_TYPE);
  if (type === undefined) throw new Error(`the schema has no ${ENDPOINT_TYPE}`);
  return fieldMasks(type, UPDATABLE);
}

function contentOf(message: EndpointMessage | undefined, addresses: AddressPolicy): EndpointContent {
  const { url, eventTypes, disabled, displayName } = message ?? EndpointMessage.create();
  requireStorableText({ url, displayName }, "endpoint");
  const violations = urlViolations(url, addresses);
  if (violations.length > 0) throw invalidArgument(violations);
  return { url, eventTypes, disabled, displayName };
}

/** The secret as its owner gets it, once, and as it is kept. */
function makeSecret(
  box: SecretBox,
  endpointId: string,
  newId: NewId,
): { readonly secret: string; readonly sealed: SealedSecret } {
  const secret = `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`;
  return { secret, sealed: { secretId: newId(), sealed: box.seal(secret, endpointId) } };
}
