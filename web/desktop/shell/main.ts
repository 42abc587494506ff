import "./globals";
import * as Flex from "@twilio/flex-ui";
import { theme } from "./theme";

interface ServerConfig {
  account_sid: string;
  flex_instance_sid: string;
}

const CONTAINER = "#container";

declare global {
  interface Window {
    Twilio?: { Flex?: typeof Flex };
    appConfig?: Record<string, unknown>;
  }
}

window.Twilio = { ...window.Twilio, Flex };

// The second panel shows an advertisement until a plugin puts something there; such a plugin switches it on again.
Flex.AgentDesktopView.defaultProps.showPanel2 = false;

// A plugin's dev server, or an operator's page of their own, may have set window.appConfig already: it wins.
function appConfig(server: ServerConfig): Record<string, unknown> {
  const page = `${location.origin}/desktop/`;
  return {
    sso: { accountSid: server.account_sid },
    oauth: {
      clientId: server.flex_instance_sid,
      connection: server.flex_instance_sid,
      redirectUrl: page,
      tokenUrlSSOv2: true,
      authorizeUrl: `${location.origin}/_tw/services.twilio.com/v1/Flex/Authorize`,
    },
    router: { type: "browser", history: { basename: "/desktop" } },
    logLevel: "error",
    disableBrowserVoice: true,
    disableTelemetry: true,
    theme,
    componentProps: { MainHeader: { logoUrl: logo(), logoAltText: "Parlour" } },
    ...window.appConfig,
  };
}

function logo(): string {
  return document.querySelector<HTMLElement>(CONTAINER)?.dataset.logo ?? "";
}

async function start(): Promise<void> {
  const answer = await fetch("/desktop/config.json");
  if (!answer.ok) throw new Error((await answer.json()).message);
  await Flex.runDefault(appConfig((await answer.json()) as ServerConfig), CONTAINER);
}

start().catch((error: unknown) => {
  const container = document.querySelector(CONTAINER);
  if (container && !container.childElementCount) {
    const notice = document.createElement("p");
    notice.setAttribute("role", "alert");
    notice.textContent = `The desktop could not start: ${error instanceof Error ? error.message : String(error)}`;
    container.append(notice);
  }
  throw error;
});
