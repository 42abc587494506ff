/** What the read API answers. */

export interface FlowLine {
  sid: string;
  name: string;
  status: string;
  revision: number;
  published: number | null;
  active: number;
  executions: number;
}

export interface Transition {
  event: string;
  next?: string | null;
  conditions?: { friendly_name: string; type: string; value: string }[];
}

export interface State {
  name: string;
  type: string;
  transitions: Transition[];
  properties?: { offset?: { x: number; y: number } };
}

export interface Definition {
  description?: string;
  initial_state: string;
  states: State[];
}

export interface ExecutionLine {
  sid: string;
  status: string;
  contact: string;
  started: string;
  revision: number;
  reason: string | null;
}

export interface Flow {
  sid: string;
  name: string;
  status: string;
  revision: number;
  definition: Definition;
  executions: ExecutionLine[];
}

export interface StepLine {
  sid: string;
  number: number;
  widget: string;
  type: string;
  event: string;
  next: string;
  parent: string | null;
  seconds: number;
  codes: number[];
}

export interface Execution {
  sid: string;
  flow_sid: string;
  name: string;
  revision: number;
  definition: Definition;
  status: string;
  contact: string;
  started: string;
  reason: string | null;
  waits_in: string | null;
  conversation_sid: string | null;
  links: { kind: string; sid: string }[];
  steps: StepLine[];
}

export interface Step {
  sid: string;
  input: Record<string, unknown>;
  output: unknown;
  variables: unknown;
  log: { code: number; level: string; message: string; widget: string }[];
  at: string;
}

export interface Linked {
  kind: string;
  sid: string;
  facts: Record<string, string>;
  lines: { who: string; text: string; at: string }[];
}

export function clock(text: string): string {
  return new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 90) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 5400) return `${Math.round(seconds / 6) / 10} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}
