// What the shell takes of the packages that only a build installs.
declare module "@twilio/flex-ui" {
  export function runDefault(config: Record<string, unknown>, container: string): Promise<unknown>;
  export const AgentDesktopView: { defaultProps: { showPanel2: boolean } };
}
declare module "react" {
  const React: unknown;
  export default React;
}
declare module "react-dom" {
  const ReactDOM: unknown;
  export default ReactDOM;
}
declare module "react-redux";
declare module "redux";
