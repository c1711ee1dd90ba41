// A grpc-js channel over a fleet. What binds the two is grpc-js's experimental interface: a resolver, which hands over the configuration of
// calls and the fleet, and a load balancing policy, which asks the fleet for each attempt. See docs/adr/0009.
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  connectivityState,
  experimental,
} from "@grpc/grpc-js";
import { fromPickInformation } from "./attempt.ts";
import type { CallConfig } from "./call-config.ts";
import { type Endpoint, parseAddress } from "./discovery.ts";
import type { Fleet, FleetHost } from "./fleet.ts";

export interface FleetChannelOptions {
  readonly fleet: Fleet;
  /** The configuration of a call: which attempts it may have. */
  readonly configure: (...call: Parameters<experimental.ConfigSelector["invoke"]>) => CallConfig;
  readonly throttling: { readonly maxTokens: number; readonly tokenRatio: number } | undefined;
  readonly credentials: ChannelCredentials;
  /** The ":authority" of calls. */
  readonly authority: string;
  readonly channelOptions: ChannelOptions;
}

const SCHEME = "ecommerce-fleet";
const POLICY = "ecommerce_fleet";
/** Options with this prefix do not reach subchannels, which compare theirs. */
const OPTION = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.fleet`;

let nextTarget = 1;

/** grpc-js keeps what is left of the retry tokens by target: each channel has a target of its own. */
export function openFleetChannel(options: FleetChannelOptions): Client {
  register();
  return new Client(`${SCHEME}:${nextTarget++}`, options.credentials, {
    ...options.channelOptions,
    "grpc.default_authority": options.authority,
    "grpc.use_local_subchannel_pool": 1,
    // grpc-js writes its options to its trace as JSON.
    [OPTION]: { ...options, toJSON: () => "fleet" },
  });
}

const optionsOf = (channelOptions: ChannelOptions): FleetChannelOptions => channelOptions[OPTION];

class FleetResolver implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener;
  readonly #options: FleetChannelOptions;
  #generation = 0;
  #resolved = false;

  constructor(_target: unknown, listener: experimental.ResolverListener, channelOptions: ChannelOptions) {
    this.#listener = listener;
    this.#options = optionsOf(channelOptions);
  }

  /** There is one answer, and never during this call, as grpc-js asks. */
  updateResolution(): void {
    if (this.#resolved) return;
    this.#resolved = true;
    const generation = this.#generation;
    process.nextTick(() => {
      if (generation === this.#generation) this.#report();
    });
  }

  destroy(): void {
    this.#generation += 1;
    this.#resolved = false;
  }

  #report(): void {
    const { configure, throttling } = this.#options;
    const selector: experimental.ConfigSelector = { invoke: configure, unref() {} };
    this.#listener(
      experimental.statusOrFromValue([]),
      { [experimental.CHANNEL_ARGS_CONFIG_SELECTOR_KEY]: selector },
      experimental.statusOrFromValue({
        loadBalancingConfig: [{ [POLICY]: {} }],
        methodConfig: [],
        ...(throttling === undefined ? {} : { retryThrottling: { ...throttling } }),
      }),
      "",
    );
  }

  static getDefaultAuthority(): string {
    return "localhost";
  }
}

class FleetPolicyConfig implements experimental.TypedLoadBalancingConfig {
  getLoadBalancerName(): string {
    return POLICY;
  }

  toJsonObject(): object {
    return { [POLICY]: {} };
  }

  static createFromJson(): FleetPolicyConfig {
    return new FleetPolicyConfig();
  }
}

class FleetPolicy implements experimental.LoadBalancer {
  readonly #helper: experimental.ChannelControlHelper;
  #fleet: Fleet | undefined;

  constructor(helper: experimental.ChannelControlHelper) {
    this.#helper = helper;
  }

  updateAddressList(_endpoints: unknown, _config: unknown, channelOptions: ChannelOptions): boolean {
    if (this.#fleet !== undefined) return true;
    const { fleet } = optionsOf(channelOptions);
    this.#fleet = fleet;
    const picker = new FleetPicker(fleet);
    const host: FleetHost = {
      createSubchannel: (endpoint, connection) =>
        this.#helper.createSubchannel(
          parseAddress(endpoint.address),
          subchannelOptions(channelOptions, endpoint, connection),
        ),
      changed: () => this.#helper.updateState(stateOf(fleet), picker, null),
    };
    host.changed();
    fleet.attach(host);
    return true;
  }

  exitIdle(): void {}

  resetBackoff(): void {}

  destroy(): void {
    this.#fleet?.detach();
    this.#fleet = undefined;
  }

  getTypeName(): string {
    return POLICY;
  }
}

class FleetPicker implements experimental.Picker {
  readonly #fleet: Fleet;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  pick({ extraPickInfo }: experimental.PickArgs): experimental.PickResult {
    const picked = this.#fleet.pick(fromPickInformation(extraPickInfo));
    const { COMPLETE, DROP, QUEUE, TRANSIENT_FAILURE } = experimental.PickResultType;
    const nothing = { subchannel: null, status: null, onCallStarted: null, onCallEnded: null };
    switch (picked.kind) {
      case "wait":
        return { ...nothing, pickResultType: QUEUE };
      case "fail":
        // What is dropped is not retried.
        return { ...nothing, pickResultType: picked.retry ? TRANSIENT_FAILURE : DROP, status: picked.status };
      case "connection":
        return {
          pickResultType: COMPLETE,
          subchannel: picked.connection.subchannel,
          status: null,
          onCallStarted: picked.onStarted,
          onCallEnded: picked.onEnded,
        };
    }
  }
}

/** Never idle: grpc-js would put a picker of its own before ours. */
function stateOf(fleet: Fleet): connectivityState {
  if (fleet.anyUsable) return connectivityState.READY;
  return fleet.failed ? connectivityState.TRANSIENT_FAILURE : connectivityState.CONNECTING;
}

/** Options that no other subchannel has make a connection of its own. The name in the certificate is the endpoint's, unless one is given. */
function subchannelOptions(options: ChannelOptions, endpoint: Endpoint, connection: number): ChannelOptions {
  const address = parseAddress(endpoint.address);
  return {
    ...("host" in address ? { "grpc.ssl_target_name_override": address.host } : {}),
    ...options,
    [`${SCHEME}.connection`]: connection,
  };
}

let registered = false;

function register(): void {
  if (registered) return;
  registered = true;
  experimental.registerResolver(SCHEME, FleetResolver);
  experimental.registerLoadBalancerType(POLICY, FleetPolicy, FleetPolicyConfig);
}
