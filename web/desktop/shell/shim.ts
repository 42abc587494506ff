// Loaded first: every address of the hosted product becomes a path of this origin, so that Flex UI and its SDKs talk
// to the server that gave them this page and to nobody else (docs/flex-ui.md).
const HOSTED = /^(https?|wss?):\/\/([a-z0-9.-]+\.(?:twilio|twiliocdn)\.com)(?::443)?(?=[/?#]|$)/i;

export function here(url: string): string {
  return url.replace(HOSTED, (_, scheme: string, host: string) => {
    const socket = scheme.toLowerCase().startsWith("ws");
    const origin = socket ? location.origin.replace(/^http/, "ws") : location.origin;
    return `${origin}/_tw/${host.toLowerCase()}`;
  });
}

function wrapFetch(): void {
  const original = window.fetch.bind(window);
  window.fetch = (input, options) => {
    if (input instanceof Request) {
      const url = here(input.url);
      return original(url === input.url ? input : new Request(url, input), options);
    }
    return original(here(String(input)), options);
  };
}

function wrapRequest(): void {
  const prototype = XMLHttpRequest.prototype;
  const open = prototype.open as (this: XMLHttpRequest, method: string, url: string, ...rest: unknown[]) => void;
  prototype.open = function (this: XMLHttpRequest, method: string, url: string | URL, ...rest: unknown[]): void {
    open.call(this, method, here(String(url)), ...rest);
  } as typeof prototype.open;
}

function wrapConstructors(): void {
  window.WebSocket = new Proxy(window.WebSocket, {
    construct: (target, [url, protocols]: [string | URL, (string | string[])?]) =>
      new target(here(String(url)), protocols),
  });
  window.Audio = new Proxy(window.Audio, {
    construct: (target, [url]: [string?]) => (url === undefined ? new target() : new target(here(url))),
  });
  if ("Notification" in window) {
    window.Notification = new Proxy(window.Notification, {
      construct: (target, [title, options]: [string, NotificationOptions?]) =>
        new target(title, options?.icon ? { ...options, icon: here(options.icon) } : options),
    });
  }
  const beacon = navigator.sendBeacon.bind(navigator);
  navigator.sendBeacon = (url, data) => beacon(here(String(url)), data);
}

// Elements that load something, with the attribute that names it.
const LOADING: [{ prototype: Element }, string][] = [
  [HTMLScriptElement, "src"],
  [HTMLImageElement, "src"],
  [HTMLMediaElement, "src"],
  [HTMLSourceElement, "src"],
  [HTMLLinkElement, "href"],
];

function wrapElements(): void {
  for (const [{ prototype }, name] of LOADING) {
    const property = Object.getOwnPropertyDescriptor(prototype, name);
    if (!property?.set) continue;
    const set = property.set;
    Object.defineProperty(prototype, name, {
      ...property,
      set(value: unknown) {
        set.call(this, here(String(value)));
      },
    });
  }
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name: string, value: string): void {
    const loads = LOADING.some(([kind, attribute]) => attribute === name.toLowerCase() && this instanceof (kind as never));
    setAttribute.call(this, name, loads ? here(String(value)) : value);
  };
}

wrapFetch();
wrapRequest();
wrapConstructors();
wrapElements();
