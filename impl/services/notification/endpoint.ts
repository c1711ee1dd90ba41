// What a webhook endpoint is, which events it takes, and which URLs it may have. No I/O.
import { isIP } from "node:net";
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import type { AddressPolicy } from "./address-policy.ts";

export const ENDPOINT_TYPE = "ecommerce.v1.WebhookEndpoint";

/** Endpoints that one user can have. */
export const MAX_ENDPOINTS = 20;

/** What its owner decides. */
export interface EndpointContent {
  readonly url: string;
  /** Patterns; see `takesEvent`. */
  readonly eventTypes: readonly string[];
  readonly disabled: boolean;
  readonly displayName: string;
}

export interface Endpoint extends EndpointContent {
  readonly endpointId: string;
  readonly userId: string;
  /** Grows with every change but those of the two times below. */
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly lastSuccessTime: Date | undefined;
  readonly lastFailureTime: Date | undefined;
}

/**
 * Whether one of the patterns is the event type or matches it; no pattern takes all. A "*" stands for one part of the type, and the last
 * one for one or more: "order.*" takes "order.confirmed" and "order.item.returned".
 */
export function takesEvent(patterns: readonly string[], eventType: string): boolean {
  const parts = eventType.split(".");
  return patterns.length === 0 || patterns.some((pattern) => matches(pattern.split("."), parts));
}

function matches(pattern: readonly string[], parts: readonly string[]): boolean {
  const open = pattern.at(-1) === "*";
  if (open ? parts.length < pattern.length : parts.length !== pattern.length) return false;
  return pattern.every((part, index) => part === "*" || part === parts[index]);
}

/** What can be wrong with a URL without asking anybody where its name leads: that is looked at with every post. */
export function urlViolations(text: string, addresses: AddressPolicy): readonly FieldViolation[] {
  const violation = (description: string, reason: string): readonly FieldViolation[] => [
    { field: "endpoint.url", description, reason },
  ];
  const url = URL.parse(text);
  if (url?.protocol !== "https:") return violation("must be an https URL", "endpoint.url");
  if (url.username !== "" || url.password !== "") {
    return violation("must not contain a user name or password", "endpoint.url_credentials");
  }
  if (leadsInside(url, addresses)) {
    return violation("must not lead into a private network", "endpoint.url_private");
  }
  return [];
}

/** The host of a URL as it is resolved: an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

function leadsInside(url: URL, addresses: AddressPolicy): boolean {
  const host = hostOf(url);
  if (isIP(host) !== 0) return !addresses.allows(host);
  const local = host === "localhost" || host.endsWith(".localhost");
  return local && !addresses.allows("127.0.0.1") && !addresses.allows("::1");
}
