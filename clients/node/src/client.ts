// The client: what can be asked of millpond.
import { type CallOptions, type Calls } from "./calls.js";
import { type Entry, fromFreshness, type ParseJson, type Result, toResult } from "./entry.js";
import type { BatchGetResponse__Output } from "./generated/millpond/v1/BatchGetResponse.js";
import type { GetResponse__Output } from "./generated/millpond/v1/GetResponse.js";
import type { ListTablesResponse__Output } from "./generated/millpond/v1/ListTablesResponse.js";
import type { TableDescription__Output } from "./generated/millpond/v1/TableDescription.js";
import { type GetOptions, LookupStream } from "./lookup-stream.js";
import { scan, type ScanOptions } from "./scan.js";
import { toMs } from "./times.js";
import { watch, type WatchEvent, type WatchOptions } from "./watch.js";

const MAX_KEYS_OF_A_CALL = 1000;

/** One table, as it is configured. */
export interface TableDescription {
  name: string;
  topic: string;
  keySources: string[];
  fields: { name: string; source: string }[];
  ttlMs: number;
  ttlFrom: string;
}

/** A client of millpond. Close it to end its connections. */
export class Client {
  readonly #calls: Calls;
  readonly #parseJson: ParseJson;

  /** @internal */
  constructor(calls: Calls, parseJson: ParseJson) {
    this.#calls = calls;
    this.#parseJson = parseJson;
  }

  /** Looks up one key. */
  async get(table: string, key: string, options: GetOptions = {}): Promise<Result> {
    const { fields = [], freshness } = options;
    const request = { table, key, fields, freshness: fromFreshness(freshness) };
    const limits = this.#calls.limits(options);
    const answer = await this.#calls.unary<GetResponse__Output>(limits, (...call) =>
      this.#calls.service.get(request, ...call),
    );
    return toResult(key, answer.result, answer.asOf, this.#parseJson);
  }

  /**
   * Looks up any number of keys, in calls of at most 1,000, one after the other. The results are in the
   * order of the keys. The deadline is that of all calls together.
   */
  async batchGet(table: string, keys: readonly string[], options: GetOptions = {}): Promise<Result[]> {
    const { fields = [] } = options;
    const freshness = fromFreshness(options.freshness);
    const limits = this.#calls.limits(options);
    const results = new Array<Result>(keys.length);
    let open = [...keys.keys()];
    while (open.length > 0) {
      const asked = open.slice(0, MAX_KEYS_OF_A_CALL);
      const request = { table, keys: asked.map((index) => keys[index]!), fields, freshness };
      const answer = await this.#calls.unary<BatchGetResponse__Output>(limits, (...call) =>
        this.#calls.service.batchGet(request, ...call),
      );
      const deferred = new Set(answer.deferred);
      const answered = asked.filter((_, position) => !deferred.has(position));
      answer.results.forEach((result, position) => {
        const index = answered[position]!;
        results[index] = toResult(keys[index]!, result, answer.asOf, this.#parseJson);
      });
      open = [...asked.filter((_, position) => deferred.has(position)), ...open.slice(asked.length)];
    }
    return results;
  }

  /** A stream for many lookups: see {@link LookupStream}. */
  lookups(): LookupStream {
    return new LookupStream(this.#calls, this.#parseJson);
  }

  /**
   * The live entries of a table, in no order. The scan goes on by itself when its call ends early, but not
   * when the service was restarted: then it fails with INVALID_ARGUMENT. It has no deadline unless
   * `timeoutMs` says so.
   */
  scan(table: string, options: ScanOptions = {}): AsyncGenerator<Entry, void, undefined> {
    return scan(this.#calls, this.#parseJson, table, options);
  }

  /**
   * The changes of a table as they are made. The watch goes on by itself after whatever interrupts it.
   * Each time an event of type "started" says whether changes may have been missed.
   */
  watch(table: string, options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, undefined> {
    return watch(this.#calls, this.#parseJson, table, options);
  }

  /** All tables, in the order of the configuration. */
  async listTables(options: CallOptions = {}): Promise<TableDescription[]> {
    const limits = this.#calls.limits(options);
    const tables: TableDescription[] = [];
    let pageToken = "";
    do {
      const request = { pageToken };
      const page = await this.#calls.unary<ListTablesResponse__Output>(limits, (...call) =>
        this.#calls.service.listTables(request, ...call),
      );
      tables.push(...page.tables.map(toTable));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return tables;
  }

  /** Ends all calls and all connections. */
  close(): void {
    this.#calls.close();
  }
}

function toTable({ ttl, ...table }: TableDescription__Output): TableDescription {
  return { ...table, ttlMs: toMs(ttl!) };
}
