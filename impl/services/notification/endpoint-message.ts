// A webhook endpoint as the message that callers see.
import type { WebhookEndpoint as EndpointMessage } from "#proto/ecommerce/v1/notification.ts";
import { etagOf } from "../shared/etag.ts";
import type { Endpoint } from "./endpoint.ts";

export function endpointMessage(endpoint: Endpoint): EndpointMessage {
  return {
    endpointId: endpoint.endpointId,
    userId: endpoint.userId,
    url: endpoint.url,
    eventTypes: [...endpoint.eventTypes],
    disabled: endpoint.disabled,
    displayName: endpoint.displayName,
    etag: etagOf(endpoint.version),
    createTime: endpoint.createTime,
    updateTime: endpoint.updateTime,
    lastSuccessTime: endpoint.lastSuccessTime,
    lastFailureTime: endpoint.lastFailureTime,
  };
}
