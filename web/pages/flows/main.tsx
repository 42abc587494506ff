import { render, type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ExecutionView } from "./execution";
import { Graph } from "./graph";
import { ask, signOut } from "./signin";
import { clock, type Execution, type Flow, type FlowLine } from "./wire";

type Shown = { flows: FlowLine[] } | { flow: Flow } | { execution: Execution };

/** The address after `#`: nothing, a flow, or a flow and one of its executions. */
async function load(hash: string): Promise<Shown> {
  const [flow, execution] = hash.replace(/^#\/?/, "").split("/");
  if (!flow) return ask<{ flows: FlowLine[] }>("flows");
  if (!execution) return { flow: await ask<Flow>(`flows/${flow}`) };
  return { execution: await ask<Execution>(`flows/${flow}/executions/${execution}`) };
}

function Page() {
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    const turn = () => {
      setProblem("");
      setShown(null);
      load(location.hash).then(setShown, (error: unknown) =>
        setProblem(error instanceof TypeError ? "The server cannot be reached." : error instanceof Error ? error.message : String(error)),
      );
    };
    turn();
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);

  useEffect(() => {
    const heading = document.querySelector<HTMLElement>("h1");
    if (shown && location.hash) heading?.focus();
  }, [shown]);

  return (
    <>
      <header class="bar">
        <a href="#">Flows</a>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main>
        {problem && (
          <p class="trouble" role="alert">
            {problem}
          </p>
        )}
        {!shown && !problem && <p role="status">Loading…</p>}
        {shown && "flows" in shown && <FlowList flows={shown.flows} />}
        {shown && "flow" in shown && <FlowPage flow={shown.flow} />}
        {shown && "execution" in shown && (
          <>
            <Heading>
              {shown.execution.name} <code>{shown.execution.sid}</code>
            </Heading>
            <p class="back">
              <a href={`#/${shown.execution.flow_sid}`}>All executions of this flow</a>
            </p>
            <ExecutionView execution={shown.execution} />
          </>
        )}
      </main>
    </>
  );
}

function Heading({ children }: { children: ComponentChildren }) {
  return <h1 tabIndex={-1}>{children}</h1>;
}

function FlowList({ flows }: { flows: FlowLine[] }) {
  return (
    <>
      <Heading>Flows</Heading>
      {flows.length === 0 && <p>There is no flow yet. `parlour flow import` brings one.</p>}
      <div class="table" tabIndex={0} role="region" aria-label="List of flows">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Revision</th>
              <th scope="col">Active</th>
              <th scope="col">Executions</th>
            </tr>
          </thead>
          <tbody>
            {flows.map((flow) => (
              <tr key={flow.sid}>
                <td>
                  <a href={`#/${flow.sid}`}>{flow.name}</a>
                  <code>{flow.sid}</code>
                </td>
                <td>
                  {flow.revision} {flow.status}
                  {flow.status === "draft" && flow.published ? `, ${flow.published} published` : ""}
                </td>
                <td>{flow.active}</td>
                <td>{flow.executions}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function FlowPage({ flow }: { flow: Flow }) {
  return (
    <>
      <Heading>{flow.name}</Heading>
      <p class="facts">
        Revision {flow.revision}, {flow.status}. {flow.definition.description}
      </p>
      <div class="columns">
        <section class="wide" aria-label="Graph">
          <Graph definition={flow.definition} label={`Graph of ${flow.name}`} />
        </section>
        <section class="side" aria-label="Executions">
          <h2>Executions</h2>
          {flow.executions.length === 0 && <p>Nobody has reached this flow yet.</p>}
          <ol class="runs">
            {flow.executions.map((run) => (
              <li key={run.sid}>
                <a href={`#/${flow.sid}/${run.sid}`}>
                  <span class={`status ${run.status}`}>{run.status}</span> {run.contact}
                </a>
                <span class="when">{clock(run.started)}</span>
                {run.reason && <span class="reason">{run.reason}</span>}
              </li>
            ))}
          </ol>
        </section>
      </div>
    </>
  );
}

const root = document.getElementById("page");
if (root) {
  render(<Page />, root);
}
