/** Sign-in as the desktop has it: a code with PKCE, tokens that this tab alone keeps, and their renewal. */

const KEPT = "parlour.flows.session";
const ASKED = "parlour.flows.asked";
const AUTHORIZE = "/_tw/services.twilio.com/v1/Flex/Authorize";
const TOKENS = "/_tw/services.twilio.com/v1/Flex/OAuth/Tokens";

interface Session {
  access_token: string;
  refresh_token: string;
  connection: string;
}

interface Asked {
  verifier: string;
  nonce: string;
  state: string;
  connection: string;
  hash: string;
}

function kept<T>(name: string): T | null {
  const text = sessionStorage.getItem(name);
  return text === null ? null : (JSON.parse(text) as T);
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

async function signIn(): Promise<never> {
  if (!crypto.subtle) throw new Error("Signing in needs HTTPS, or the address localhost.");
  const config = await fetch("/desktop/config.json");
  if (!config.ok) throw new Error("This server has no account yet.");
  const connection = ((await config.json()) as { flex_instance_sid: string }).flex_instance_sid;
  const asked: Asked = { verifier: random(), nonce: random(), state: random(), connection, hash: location.hash };
  sessionStorage.setItem(ASKED, JSON.stringify(asked));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(asked.verifier));
  const query = new URLSearchParams({
    ssoProfileSid: connection,
    codeChallenge: base64url(new Uint8Array(digest)),
    nonce: asked.nonce,
    state: asked.state,
    redirectUrl: `${location.origin}/flows`,
  });
  location.assign(`${AUTHORIZE}?${query}`);
  return new Promise<never>(() => undefined);
}

async function tokens(body: Record<string, string>, connection: string): Promise<Session | null> {
  const answer = await fetch(TOKENS, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, sso_profile_sid: connection }),
  });
  if (!answer.ok) return null;
  const given = (await answer.json()) as { access_token: string; refresh_token: string };
  const session = { access_token: given.access_token, refresh_token: given.refresh_token, connection };
  sessionStorage.setItem(KEPT, JSON.stringify(session));
  return session;
}

async function arrived(): Promise<Session | null> {
  const query = new URLSearchParams(location.search);
  const asked = kept<Asked>(ASKED);
  const code = query.get("code");
  if (code === null || asked === null || query.get("state") !== asked.state) return null;
  sessionStorage.removeItem(ASKED);
  history.replaceState(null, "", `/flows${asked.hash}`);
  const { verifier, nonce, connection } = asked;
  return tokens({ grant_type: "AuthorizationCode", code, code_verifier: verifier, nonce }, connection);
}

let ready: Promise<Session | null> | null = null;

async function session(): Promise<Session> {
  ready ??= arrived();
  return (await ready) ?? kept<Session>(KEPT) ?? signIn();
}

export function signOut(): void {
  sessionStorage.removeItem(KEPT);
  location.assign("/flows");
}

/** Ask the read API; an access token that has run out is renewed once, then one signs in again. */
export async function ask<T>(path: string): Promise<T> {
  let held = await session();
  for (let attempt = 0; ; attempt += 1) {
    const answer = await fetch(`/flows/api/${path}`, { headers: { "X-Twilio-Token": held.access_token } });
    if (answer.status === 401) {
      const renewed =
        attempt === 0
          ? await tokens({ grant_type: "RefreshToken", refresh_token: held.refresh_token }, held.connection)
          : null;
      ready = Promise.resolve(renewed);
      if (renewed === null) sessionStorage.removeItem(KEPT);
      held = renewed ?? (await signIn());
      continue;
    }
    if (!answer.ok) {
      const body: { message?: string } = await answer.json().catch(() => ({}));
      throw new Error(body.message ?? `The server answered ${answer.status}.`);
    }
    return (await answer.json()) as T;
  }
}
