import { useEffect, useRef } from "preact/hooks";
import { Ticks } from "./icons";
import { mediaUrl, type Media, type Message } from "./wire";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

function Attachment({ media, loaded }: { media: Media; loaded: () => void }) {
  const name = media.filename || "attachment";
  if (media.content_type.startsWith("image/")) {
    return (
      <a class="picture" href={mediaUrl(media)} target="_blank" rel="noreferrer">
        <img src={mediaUrl(media)} alt={`Picture ${name}`} onLoad={loaded} />
      </a>
    );
  }
  return (
    <a class="file" href={mediaUrl(media)} download={name}>
      {name} <span class="kind">{media.content_type}</span>
    </a>
  );
}

function Bubble({ message, loaded }: { message: Message; loaded: () => void }) {
  return (
    <li class={message.mine ? "bubble mine" : "bubble theirs"}>
      {message.media.map((media) => (
        <Attachment key={media.sid} media={media} loaded={loaded} />
      ))}
      {message.body && <p>{message.body}</p>}
      <footer>
        {message.state === "failed" && (
          <span class="why">Not delivered{message.error_code ? ` (${message.error_code})` : ""}</span>
        )}
        <time dateTime={new Date(message.at * 1000).toISOString()}>{clock.format(message.at * 1000)}</time>
        <Ticks state={message.state} />
      </footer>
    </li>
  );
}

/** The texts of one phone with one number, the newest in view. */
export function Thread({ messages, to, ready }: { messages: Message[]; to: string; ready: boolean }) {
  const end = useRef<HTMLDivElement>(null);
  const toEnd = () => {
    const box = end.current;
    if (box) {
      box.scrollTop = box.scrollHeight;
    }
  };
  useEffect(toEnd, [messages.length, to]);
  return (
    <div class="thread" ref={end} tabIndex={0} role="log" aria-label={`Messages with ${to || "nobody yet"}`}>
      {messages.length === 0 && (
        <div class="empty">
          <strong>{ready ? "No messages yet" : "Connecting…"}</strong>
          {ready && <span>{to ? `Write to ${to}, as a customer would.` : "Choose a number to write to."}</span>}
        </div>
      )}
      {messages.length > 0 && (
        <ol>
          {messages.map((message) => (
            <Bubble key={message.sid} message={message} loaded={toEnd} />
          ))}
        </ol>
      )}
    </div>
  );
}
