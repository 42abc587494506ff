/** What the simulator answers, and the calls of this page. All paths are relative to the page's own address. */

export type TickState = "queued" | "sent" | "delivered" | "failed";

export interface Media {
  sid: string;
  content_type: string;
  filename: string;
}

export interface Message {
  sid: string;
  mine: boolean;
  handset: string;
  number: string;
  body: string;
  state: TickState;
  error_code: number | null;
  at: number;
  change: number;
  media: Media[];
}

export interface Config {
  phones: { number: string; to: string }[];
  numbers: { phone_number: string; friendly_name: string }[];
}

/** A refusal of the carrier, in its own words. */
export class Refusal extends Error {}

async function answer<T>(response: Response): Promise<T> {
  if (!response.ok) {
    const error: { message?: string } = await response.json().catch(() => ({}));
    throw new Refusal(error.message ?? `The carrier answered ${response.status}.`);
  }
  return (await response.json()) as T;
}

export async function fetchConfig(): Promise<Config> {
  return answer<Config>(await fetch("handset/config"));
}

async function upload(file: File): Promise<string> {
  const response = await fetch(`handset/media?filename=${encodeURIComponent(file.name)}`, {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
  });
  return (await answer<{ sid: string }>(response)).sid;
}

export async function sendText(from: string, to: string, body: string, files: File[]): Promise<Message> {
  const media: string[] = [];
  for (const file of files) {
    media.push(await upload(file));
  }
  const response = await fetch("handset/messages", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ from, to, body, media }),
  });
  return answer<Message>(response);
}

export function mediaUrl(media: Media): string {
  return `handset/media/${media.sid}`;
}

/** Listen to all messages of one phone: each as it is, then again whenever it changes. */
export function listen(
  number: string,
  heard: { message: (message: Message) => void; ready: () => void; lost: () => void },
): () => void {
  const source = new EventSource(`handset/${encodeURIComponent(number)}/events`);
  source.addEventListener("message", (event: MessageEvent<string>) => {
    heard.message(JSON.parse(event.data) as Message);
  });
  source.addEventListener("ready", heard.ready);
  source.addEventListener("error", heard.lost);
  return () => source.close();
}
