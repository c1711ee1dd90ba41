// What the runtime knows of a method before any call: its name, its shape, its policy.
import type { DescMessage } from "@bufbuild/protobuf";
import type { Policy } from "./policy.ts";

export interface Method {
  /** "/package.Service/Method", as it is on the wire. */
  readonly path: string;
  /** "package.Service". */
  readonly service: string;
  /** "Method". */
  readonly name: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly policy: Policy;
  readonly input: DescMessage;
  readonly output: DescMessage;
}
