// Compiled and not run: what a caller in TypeScript writes.
import { type Client, connect, type Entry, type MissReason, NumberText, type WatchEvent } from "millpond-client";

export async function sizeOf(client: Client, key: string): Promise<number | bigint | MissReason> {
  const result = await client.get("live", key, { freshness: { requireReady: true } });
  if (!result.entry) return result.miss.reason === "LOADING" ? "LOADING" : result.miss.reason;
  const { size } = result.entry.fields;
  return typeof size === "number" || typeof size === "bigint" ? size : 0;
}

export function keyOf(event: WatchEvent): string | undefined {
  if (event.type === "removed") return event.cause === "DELETED" ? event.key : undefined;
  return event.type === "stored" ? event.entry.key : undefined;
}

export async function all(): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of connect(["127.0.0.1:50051"]).scan("live")) entries.push(entry);
  return entries.filter(({ fields }) => fields["size"] instanceof NumberText);
}
