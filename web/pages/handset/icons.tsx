import type { TickState } from "./wire";

const NAMES: Record<TickState, string> = {
  queued: "queued",
  sent: "sent",
  delivered: "delivered",
  failed: "failed",
};

/** One tick is sent, two are delivered; the accessible name says it in words. */
export function Ticks({ state }: { state: TickState }) {
  return (
    <span class={`ticks ticks-${state}`} role="img" aria-label={NAMES[state]} title={NAMES[state]}>
      <svg viewBox="0 0 22 12" width="20" height="11" aria-hidden="true">
        {state === "queued" && <path d="M11 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9M11 3.5V6l2 1" />}
        {state === "sent" && <path d="M6 6.5 9.5 10 17 2" />}
        {state === "delivered" && <path d="M1.5 6.5 5 10 12.5 2M9.5 9 10.5 10 18 2" />}
        {state === "failed" && <path d="M11 1.5v5.5M11 9.6v.4" />}
      </svg>
    </span>
  );
}

export function ClipIcon() {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" class="line">
      <path d="M20 11.5 12.4 19a5 5 0 0 1-7-7L13 4.4a3.3 3.3 0 0 1 4.7 4.7L10 16.7a1.6 1.6 0 0 1-2.3-2.3l7-6.9" />
    </svg>
  );
}

export function SendIcon() {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" class="line">
      <path d="M12 19V5M5.5 11.5 12 5l6.5 6.5" />
    </svg>
  );
}
