// A small legal contract of one method, to be made illegal in one place.
import type { Contract, ContractField, ContractMessage, ContractMethod } from "../contract.ts";
import {
  Compression,
  Idempotency,
  MethodPolicy,
  RateClass,
  Sensitivity,
} from "../gen/ecommerce/v1/policy.ts";

const LEGAL: MethodPolicy = {
  access: { public: true, authenticated: false, permissions: [], owner: undefined },
  idempotency: Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS,
  deadline: { seconds: 5n, nanos: 0 },
  rate: RateClass.RATE_CLASS_READ,
  compression: Compression.COMPRESSION_NEVER,
  cache: undefined,
  invalidates: [],
  errors: [],
};

/** A policy that differs from `base`, by default a legal one, in some parts. */
export function policy(over: Partial<MethodPolicy>, base: Partial<MethodPolicy> = LEGAL): MethodPolicy {
  return MethodPolicy.fromPartial({ ...base, ...over });
}

/** The method of the contract, with a policy that differs from a legal one in some parts. */
export function method(over: Partial<MethodPolicy> = {}): ContractMethod {
  return {
    name: "GetThing",
    comment: "Returns a thing.",
    kind: "unary",
    input: "test.GetThingRequest",
    output: "test.GetThingResponse",
    policy: policy(over),
    routes: [],
  };
}

/** A string field without rules, but for what is stated. */
export function field(name: string, over: Partial<ContractField> = {}): ContractField {
  return {
    name,
    number: 2,
    comment: "Tells something.",
    type: "string",
    kind: "scalar",
    label: "singular",
    rules: {},
    sensitivity: Sensitivity.SENSITIVITY_UNSPECIFIED,
    ...over,
  };
}

/** The contract, with another method or more fields in its request or response. */
export function contractOf(parts: {
  readonly method?: Omit<ContractMethod, "policy"> & { readonly policy?: MethodPolicy | undefined };
  readonly request?: readonly ContractField[];
  readonly response?: readonly ContractField[];
  readonly responseOneofs?: ContractMessage["oneofs"];
}): Contract {
  const { policy: stated, ...rest } = parts.method ?? method();
  const message = (
    name: string,
    fields: readonly ContractField[],
    oneofs: ContractMessage["oneofs"] = [],
  ) => ({
    file: "test.proto",
    name,
    comment: "Carries fields.",
    fields,
    oneofs,
    rules: {},
  });
  const thingId = field("thing_id", { number: 1, rules: { string: { uuid: true } } });
  return {
    services: [
      {
        file: "test.proto",
        name: "test.ThingService",
        comment: "Serves things.",
        methods: [stated === undefined ? rest : { ...rest, policy: stated }],
      },
    ],
    messages: new Map([
      ["test.GetThingRequest", message("test.GetThingRequest", [thingId, ...(parts.request ?? [])])],
      ["test.GetThingResponse", message("test.GetThingResponse", parts.response ?? [], parts.responseOneofs)],
    ]),
    enums: new Map(),
  };
}
