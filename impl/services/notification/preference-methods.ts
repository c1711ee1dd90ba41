// GetPreferences and UpdatePreferences.
import { isDeepStrictEqual } from "node:util";
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import { NotificationPreferences as PreferencesMessage } from "#proto/ecommerce/v1/notification.ts";
import type { NotificationServiceDefinition } from "#proto/ecommerce/v1/notification_service.ts";
import { etagOf, requireEtag } from "../shared/etag.ts";
import { type FieldMasks, fieldMasks } from "../shared/field-mask.ts";
import type { NotificationStore } from "./notification-store.ts";
import { CATEGORIES, channelsOf, type Preferences } from "./preferences.ts";
import { isTimeZone } from "./quiet-time.ts";

type PreferenceMethods = Pick<
  HandlersOf<NotificationServiceDefinition>,
  "getPreferences" | "updatePreferences"
>;

const PREFERENCES_TYPE = "ecommerce.v1.NotificationPreferences";
const UPDATABLE = ["categories", "quiet_start_minute", "quiet_end_minute", "time_zone"];

export function createPreferenceMethods(store: NotificationStore, schema: Schema): PreferenceMethods {
  const type = schema.registry.getMessage(PREFERENCES_TYPE);
  if (type === undefined) throw new Error(`the schema has no ${PREFERENCES_TYPE}`);
  const masks: FieldMasks<PreferencesMessage> = fieldMasks(type, UPDATABLE);
  return {
    async getPreferences({ userId }, { signal }) {
      return { preferences: preferencesMessage(await store.preferences.find(userId, signal)) };
    },

    updatePreferences({ preferences: patch = PreferencesMessage.create(), updateMask }, { signal }) {
      return store.write(signal, async (writer) => {
        const current = await writer.preferences.lock(patch.userId);
        requireEtag(patch.etag, current.version, PREFERENCES_TYPE, patch.userId);
        const wanted = contentOf(masks.update(preferencesMessage(current), patch, updateMask));
        const { userId, version } = current;
        const unchanged = isDeepStrictEqual({ ...wanted, userId, version }, current);
        return {
          preferences: preferencesMessage(
            unchanged ? current : await writer.preferences.replace(current, wanted),
          ),
        };
      });
    },
  };
}

/** Every category with the channels by which it really comes. */
function preferencesMessage(preferences: Preferences): PreferencesMessage {
  const { userId, quietTime, timeZone, version } = preferences;
  return {
    userId,
    categories: CATEGORIES.map((category) => ({
      category,
      channels: [...channelsOf(preferences, category)],
    })),
    quietStartMinute: quietTime?.startMinute,
    quietEndMinute: quietTime?.endMinute,
    timeZone,
    etag: etagOf(version),
  };
}

function contentOf(message: PreferencesMessage): Omit<Preferences, "version"> {
  const { userId, categories, quietStartMinute: startMinute, quietEndMinute: endMinute, timeZone } = message;
  const violations: FieldViolation[] = [];
  if ((startMinute === undefined) !== (endMinute === undefined)) {
    const field = `preferences.quiet_${startMinute === undefined ? "start" : "end"}_minute`;
    const description = "must be set when the other end of the quiet time is";
    violations.push({ field, description, reason: "preferences.quiet_time" });
  }
  if (!isTimeZone(timeZone)) {
    const description = `"${timeZone}" is not a time zone of the IANA database`;
    violations.push({ field: "preferences.time_zone", description, reason: "preferences.time_zone" });
  }
  if (violations.length > 0) throw invalidArgument(violations);
  const quietTime =
    startMinute === undefined || endMinute === undefined ? undefined : { startMinute, endMinute, timeZone };
  const chosen = new Map(categories.map(({ category, channels }) => [category, channels]));
  const choices = new Map(
    [...chosen.keys()].map((category) => [category, channelsOf({ choices: chosen }, category)]),
  );
  return { userId, choices, quietTime, timeZone };
}
