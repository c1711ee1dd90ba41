// The methods of templates.
import { isDeepStrictEqual } from "node:util";
import type { Call } from "#impl/runtime/call.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { invalidArgument, notFound } from "#impl/runtime/rpc-error.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import { NotificationTemplate as TemplateMessage } from "#proto/ecommerce/v1/notification.ts";
import {
  CreateTemplateRequest,
  CreateTemplateResponse,
  type ListTemplatesRequest,
  type ListTemplatesResponse,
  type NotificationServiceDefinition,
} from "#proto/ecommerce/v1/notification_service.ts";
import { etagOf, requireEtag } from "../shared/etag.ts";
import { type FieldMasks, fieldMasks } from "../shared/field-mask.ts";
import type { PageTokens, TokenUse } from "../shared/page-token.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { fitting } from "./fitting.ts";
import type { NotificationChannel, NotificationText } from "./notification.ts";
import type { NotificationStore } from "./notification-store.ts";
import { TEMPLATE_TYPE, type Template } from "./template.ts";
import type { TemplatePlace } from "./template-store.ts";
import { templateViolations } from "./template-text.ts";

export interface TemplateMethodOptions {
  readonly store: NotificationStore;
  readonly schema: Schema;
  readonly tokens: PageTokens;
  readonly newId: NewId;
}

type TemplateMethods = Pick<
  HandlersOf<NotificationServiceDefinition>,
  "createTemplate" | "getTemplate" | "listTemplates" | "updateTemplate" | "deleteTemplate"
>;

const UPDATABLE = ["subject", "body", "html_body"];
const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 200;
const BYTES_OF_THE_REST = 512;

export function createTemplateMethods({
  store,
  schema,
  tokens,
  newId,
}: TemplateMethodOptions): TemplateMethods {
  const type = schema.registry.getMessage(TEMPLATE_TYPE);
  if (type === undefined) throw new Error(`the schema has no ${TEMPLATE_TYPE}`);
  const masks: FieldMasks<TemplateMessage> = fieldMasks(type, UPDATABLE);
  return {
    createTemplate(request, call) {
      const template = withoutTimes(request.template);
      const { name, channel, locale } = template;
      const text = textOf(template, channel);
      const content = CreateTemplateRequest.encode({ ...request, template, requestId: "" }).finish();
      const { requestId } = request;
      return store.writeOnce(
        { call, requestId, content, response: CreateTemplateResponse },
        async (writer) => {
          const made = await writer.templates.insert({ templateId: newId(), name, channel, locale, ...text });
          return { template: templateMessage(made) };
        },
      );
    },

    async getTemplate({ templateId }, { signal }) {
      const template = await store.templates.find(templateId, signal);
      if (template === undefined) throw notFound(TEMPLATE_TYPE, templateId);
      return { template: templateMessage(template) };
    },

    listTemplates: (request, call) => listTemplates(store, tokens, request, call),

    updateTemplate(request, { signal }) {
      const patch = withoutTimes(request.template);
      const { templateId, etag } = patch;
      return store.write(signal, async ({ templates }) => {
        const current = await templates.lock(templateId);
        if (current === undefined) throw notFound(TEMPLATE_TYPE, templateId);
        requireEtag(etag, current.version, TEMPLATE_TYPE, templateId);
        const before = templateMessage(current);
        const after = masks.update(before, patch, request.updateMask);
        if (isDeepStrictEqual(before, after)) return { template: before };
        return {
          template: templateMessage(await templates.replaceText(current, textOf(after, current.channel))),
        };
      });
    },

    deleteTemplate({ templateId, etag }, { signal }) {
      return store.write(signal, async ({ templates }) => {
        const template = await templates.lock(templateId);
        if (template === undefined) return {};
        requireEtag(etag, template.version, TEMPLATE_TYPE, templateId);
        await templates.remove(template);
        return {};
      });
    },
  };
}

async function listTemplates(
  { templates }: NotificationStore,
  tokens: PageTokens,
  { channel, pageSize, pageToken }: ListTemplatesRequest,
  { signal }: Call,
): Promise<ListTemplatesResponse> {
  const use: TokenUse = { purpose: "templates.list.1", field: "page_token", boundTo: String(channel) };
  const after: TemplatePlace | undefined =
    pageToken === "" ? undefined : JSON.parse(tokens.open(use, pageToken));
  const limit = Math.min(pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize, LARGEST_PAGE_SIZE);
  const found = await templates.page(channel, after, limit + 1, signal);
  const page = fitting(found.slice(0, limit).map(templateMessage), bytesAtMost);
  const last = page.at(-1);
  if (last === undefined || page.length === found.length) return { templates: page, nextPageToken: "" };
  const place: TemplatePlace = { name: last.name, channel: last.channel, locale: last.locale };
  return { templates: page, nextPageToken: tokens.seal(use, JSON.stringify(place)) };
}

/** INVALID_ARGUMENT when they are not those of a template for the channel. */
function textOf(
  { subject, body, htmlBody }: TemplateMessage,
  channel: NotificationChannel,
): NotificationText {
  const text = { subject, body, htmlBody };
  requireStorableText(text, "template");
  const violations = templateViolations(text, channel);
  if (violations.length > 0) throw invalidArgument(violations);
  return text;
}

function templateMessage(template: Template): TemplateMessage {
  const { templateId, name, channel, locale, subject, body, htmlBody, createTime, updateTime } = template;
  const etag = etagOf(template.version);
  return { templateId, name, channel, locale, subject, body, htmlBody, etag, createTime, updateTime };
}

function bytesAtMost({ subject, body, htmlBody }: TemplateMessage): number {
  return BYTES_OF_THE_REST + 3 * (subject.length + body.length + htmlBody.length);
}

/** They are output only, and one that no Date can hold must not get any further. */
function withoutTimes(template = TemplateMessage.create()): TemplateMessage {
  return { ...template, createTime: undefined, updateTime: undefined };
}
