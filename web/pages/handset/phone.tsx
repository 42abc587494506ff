import { useEffect, useId, useMemo, useState } from "preact/hooks";
import { Composer } from "./composer";
import { Thread } from "./thread";
import { listen, type Config, type Message } from "./wire";

const E164 = /^\+[1-9]\d{6,14}$/;

interface NumberFieldProps {
  label: string;
  value: string;
  list?: string;
  onChange: (value: string) => void;
}

/** A phone number that one can edit; it counts once it is complete. */
function NumberField({ label, value, list, onChange }: NumberFieldProps) {
  const [text, setText] = useState(value);
  const id = useId();
  const valid = E164.test(text);
  useEffect(() => setText(value), [value]);
  const commit = () => valid && text !== value && onChange(text);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="tel"
        inputMode="tel"
        autocomplete="off"
        spellcheck={false}
        value={text}
        aria-invalid={!valid}
        aria-describedby={valid ? undefined : `${id}-help`}
        {...(list ? { list } : {})}
        onInput={(event) => setText(event.currentTarget.value.replace(/[\s()-]/g, ""))}
        onChange={commit}
        onKeyDown={(event) => event.key === "Enter" && commit()}
      />
      {!valid && (
        <span class="help" id={`${id}-help`}>
          + and the country code, such as +15550100001
        </span>
      )}
    </div>
  );
}

interface PhoneProps {
  name: string;
  start: { number: string; to: string };
  numbers: Config["numbers"];
}

/** One customer's phone. */
export function Phone({ name, start, numbers }: PhoneProps) {
  const [number, setNumber] = useState(start.number);
  const [to, setTo] = useState(start.to);
  const [messages, setMessages] = useState<ReadonlyMap<string, Message>>(new Map());
  const [link, setLink] = useState<"connecting" | "live" | "lost">("connecting");
  const listId = useId();

  useEffect(() => {
    setMessages(new Map());
    setLink("connecting");
    return listen(number, {
      message: (message) =>
        setMessages((known) => {
          const old = known.get(message.sid);
          return old && old.change > message.change ? known : new Map(known).set(message.sid, message);
        }),
      ready: () => setLink("live"),
      lost: () => setLink("lost"),
    });
  }, [number]);

  const shown = useMemo(
    () =>
      [...messages.values()]
        .filter((message) => message.number === to)
        .sort((one, other) => one.at - other.at || one.change - other.change),
    [messages, to],
  );
  const contact = numbers.find((one) => one.phone_number === to)?.friendly_name ?? "";

  return (
    <section class="phone" aria-label={name}>
      <div class="screen">
        <header>
          <div class="bar">
            <span class="speaker" aria-hidden="true" />
            <span class={`link link-${link}`} role="status">
              {link === "live" ? "Connected" : link === "lost" ? "Reconnecting…" : "Connecting…"}
            </span>
          </div>
          <h2>{contact && contact !== to ? contact : to || "New message"}</h2>
          <div class="fields">
            <NumberField label="This phone" value={number} onChange={setNumber} />
            <NumberField label="Writes to" value={to} list={listId} onChange={setTo} />
          </div>
          <datalist id={listId}>
            {numbers.map((one) => (
              <option key={one.phone_number} value={one.phone_number}>
                {one.friendly_name}
              </option>
            ))}
          </datalist>
        </header>
        <Thread messages={shown} to={to} ready={link === "live"} />
        <Composer from={number} to={to} disabled={!E164.test(to)} />
      </div>
    </section>
  );
}
