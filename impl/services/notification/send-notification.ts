// SendNotification: finds template, receiver and what the receiver wants, makes the text, and puts it into the queue. All that can be
// wrong with the request is found now, while its caller listens; what happens later is the queue's.
import type { Call } from "#impl/runtime/call.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import {
  SendNotificationRequest,
  SendNotificationResponse,
} from "#proto/ecommerce/v1/notification_service.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import type { DeliverySignals } from "./delivery-signals.ts";
import { takesEvent } from "./endpoint.ts";
import { NotificationChannel, type NotificationContent, type Target } from "./notification.ts";
import { notificationMessage } from "./notification-message.ts";
import type { NotificationStore } from "./notification-store.ts";
import { defaultPreferences, type Verdict, verdictOf } from "./preferences.ts";
import type { FindRecipient, Recipient } from "./recipients.ts";
import { TEMPLATE_TYPE, type Template, templateFor } from "./template.ts";
import { renderTemplate } from "./template-text.ts";

export interface SendOptions {
  readonly store: NotificationStore;
  readonly findRecipient: FindRecipient;
  readonly signals: DeliverySignals;
  readonly newId: NewId;
}

interface Prepared {
  readonly content: NotificationContent;
  readonly targets: readonly Target[];
  readonly verdict: Verdict;
}

const { NOTIFICATION_CHANNEL_EMAIL: email, NOTIFICATION_CHANNEL_WEBHOOK: webhook } = NotificationChannel;

export async function sendNotification(
  options: SendOptions,
  request: SendNotificationRequest,
  call: Call,
): Promise<SendNotificationResponse> {
  const { store, signals } = options;
  requireStorableText(request, "");
  // Outside of the transaction, which must not wait for other services. What fails here fails the request only if it is not a repeat,
  // which gets its first answer whatever has become of the template since.
  const prepared = await attempt(() => prepare(options, request, call));
  const { requestId } = request;
  const once = { call, requestId, content: contentOf(request), response: SendNotificationResponse };
  const response = await store.writeOnce(once, async (writer) => {
    const { content, targets, verdict } = prepared();
    const made = await writer.notifications.insert(content, targets, verdict);
    return { notifications: made.map(notificationMessage) };
  });
  signals.wake(request.channel);
  return response;
}

/** A map has no order on the wire, so that of a repeat may be another. */
function contentOf(request: SendNotificationRequest): Uint8Array {
  const variables = Object.fromEntries(Object.entries(request.variables).sort());
  return SendNotificationRequest.encode({ ...request, variables, requestId: "" }).finish();
}

/** What the work gives or throws, to be had later. */
async function attempt<T>(work: () => Promise<T>): Promise<() => T> {
  try {
    const value = await work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

async function prepare(
  options: SendOptions,
  request: SendNotificationRequest,
  call: Call,
): Promise<Prepared> {
  const { store, newId } = options;
  const { channel, category, eventType, deduplicationKey } = request;
  const userId = request.userId === "" ? undefined : request.userId.toLowerCase();
  const [templates, preferences, endpoints] = await Promise.all([
    store.templates.named(request.templateName, channel, call.signal),
    userId === undefined ? defaultPreferences("") : store.preferences.find(userId, call.signal),
    userId === undefined || channel !== webhook ? [] : store.endpoints.enabled(userId, call.signal),
  ]);
  const recipient = await recipientOf(options, request, templates, call);
  const template = templateFor(templates, recipient.locale);
  if (template === undefined) throw notFound(TEMPLATE_TYPE, request.templateName);
  const now = call.environment.clock.now();
  const text = renderTemplate(template, channel, request.variables);
  const body = channel === webhook ? posted(eventType, now, text.body) : text.body;
  const { templateId } = template;
  return {
    content: { ...text, body, userId, channel, category, eventType, templateId, deduplicationKey },
    verdict: verdictOf(preferences, category, channel, now),
    targets:
      channel === webhook
        ? endpoints
            .filter(({ eventTypes }) => takesEvent(eventTypes, eventType))
            .map(({ endpointId, url }) => ({ notificationId: newId(), destination: url, endpointId }))
        : [{ notificationId: newId(), destination: recipient.email, endpointId: undefined }],
  };
}

/** Users are asked for only where something depends on the answer: the address, or the choice between languages. */
async function recipientOf(
  { findRecipient }: SendOptions,
  request: SendNotificationRequest,
  templates: readonly Template[],
  call: Call,
): Promise<Recipient> {
  const needsAddress = request.channel === email && request.email === "";
  const hasLanguages = templates.some(({ locale }) => locale !== "");
  const guest: Recipient = { email: request.channel === email ? request.email : "", locale: "" };
  if (request.userId === "" || !(needsAddress || hasLanguages)) return guest;
  const user = await findRecipient(request.userId, call);
  if (request.channel !== email) return { ...user, email: "" };
  return needsAddress ? user : { ...user, email: request.email };
}

/** What Standard Webhooks recommends to post. The template was found to be JSON, which values cannot change. */
function posted(eventType: string, time: number, data: string): string {
  const [type, timestamp] = [eventType, new Date(time).toISOString()].map((value) => JSON.stringify(value));
  return `{"type":${type},"timestamp":${timestamp},"data":${data.trim()}}`;
}
