// Balancing: gRPC's round robin, without an instance that has just answered UNAVAILABLE.
//
// @grpc/grpc-js has no health checks. An instance that is loading refuses calls that demand a ready table.
// Round robin alone sends it its share of them, and of their repetitions, until a call has no more of these.
import * as grpc from "@grpc/grpc-js";

type PickResult = grpc.experimental.PickResult;
type Subchannel = NonNullable<PickResult["subchannel"]>;

/** The name of this policy in a service configuration. */
export const POLICY = "millpond_round_robin";
/** For so long an instance is left out. */
const REST_MS = 1_000;

/** When the instances that were left out are asked again. */
class Rests {
  readonly #ends = new WeakMap<Subchannel, number>();

  has(subchannel: Subchannel): boolean {
    return performance.now() < (this.#ends.get(subchannel) ?? 0);
  }

  begin(subchannel: Subchannel): void {
    this.#ends.set(subchannel, performance.now() + REST_MS);
  }
}

class Picker implements grpc.experimental.Picker {
  constructor(
    private readonly roundRobin: grpc.experimental.Picker,
    private readonly rests: Rests,
  ) {}

  /** Picks the next instance that is not left out, or the next one if all are. */
  pick(args: grpc.experimental.PickArgs): PickResult {
    const leftOut = new Set<Subchannel>();
    for (;;) {
      const pick = this.roundRobin.pick(args);
      const { subchannel } = pick;
      if (!subchannel) return pick;
      if (!this.rests.has(subchannel) || leftOut.has(subchannel)) return this.observed(pick, subchannel);
      leftOut.add(subchannel);
    }
  }

  private observed(pick: PickResult, subchannel: Subchannel): PickResult {
    const onCallEnded: PickResult["onCallEnded"] = (code, ...more) => {
      if (code === grpc.status.UNAVAILABLE) this.rests.begin(subchannel);
      pick.onCallEnded?.(code, ...more);
    };
    return { ...pick, onCallEnded };
  }
}

class RoundRobin extends grpc.experimental.ChildLoadBalancerHandler {
  constructor(channel: grpc.experimental.ChannelControlHelper) {
    const rests = new Rests();
    const overrides: Partial<grpc.experimental.ChannelControlHelper> = {
      updateState: (state, picker, error) => channel.updateState(state, new Picker(picker, rests), error),
    };
    super(grpc.experimental.createChildChannelControlHelper(channel, overrides));
  }

  override updateAddressList(
    addresses: grpc.experimental.StatusOr<grpc.experimental.Endpoint[]>,
    _: grpc.experimental.TypedLoadBalancingConfig,
    options: grpc.ChannelOptions,
    note: string,
  ): boolean {
    const roundRobin = grpc.experimental.parseLoadBalancingConfig({ round_robin: {} });
    return super.updateAddressList(addresses, roundRobin, options, note);
  }

  override getTypeName(): string {
    return POLICY;
  }
}

class Config implements grpc.experimental.TypedLoadBalancingConfig {
  static createFromJson(): Config {
    return new Config();
  }

  getLoadBalancerName(): string {
    return POLICY;
  }

  toJsonObject(): object {
    return { [POLICY]: {} };
  }
}

grpc.experimental.registerLoadBalancerType(POLICY, RoundRobin, Config);
