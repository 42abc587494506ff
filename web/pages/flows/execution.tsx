/** An execution: its path over the graph, each step with input, output, code, duration and exit, and what it made. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { Graph } from "./graph";
import { ask } from "./signin";
import { clock, duration, type Execution, type Linked, type Step } from "./wire";

export function ExecutionView({ execution }: { execution: Execution }) {
  const [number, setNumber] = useState<number | null>(null);
  const [step, setStep] = useState<Step | null>(null);
  const [linked, setLinked] = useState<Linked | null>(null);
  const [problem, setProblem] = useState("");
  const path = `flows/${execution.flow_sid}/executions/${execution.sid}`;
  const line = number === null ? null : (execution.steps[number - 1] ?? null);
  const links = useMemo(() => {
    const conversation = execution.conversation_sid;
    return [...(conversation ? [{ kind: "conversation", sid: conversation }] : []), ...execution.links];
  }, [execution]);
  const failed = (error: unknown) => setProblem(error instanceof Error ? error.message : String(error));

  useEffect(() => {
    setStep(null);
    if (!line) return;
    let here = true;
    ask<Step>(`${path}/steps/${line.sid}`).then((found) => here && setStep(found), failed);
    return () => {
      here = false;
    };
  }, [line?.sid]);

  const open = (sid: string) => {
    setProblem("");
    ask<Linked>(`linked/${sid}`).then(setLinked, failed);
  };

  return (
    <>
      <p class="facts">
        <span class={`status ${execution.status}`}>{execution.status}</span> {execution.contact}, revision{" "}
        {execution.revision}, begun {clock(execution.started)}.{" "}
        {execution.waits_in ? `It waits in ${execution.waits_in}.` : execution.reason ? `End: ${execution.reason}.` : ""}
      </p>
      {links.length > 0 && (
        <ul class="links" aria-label="What it belongs to and made">
          {links.map((each) => (
            <li key={each.sid}>
              <button type="button" onClick={() => open(each.sid)}>
                {each.kind} <code>{each.sid}</code>
              </button>
            </li>
          ))}
        </ul>
      )}
      {problem && (
        <p class="trouble" role="alert">
          {problem}
        </p>
      )}
      {linked && <LinkedPanel linked={linked} close={() => setLinked(null)} />}
      <div class="columns">
        <section class="wide" aria-label="Path">
          <Graph definition={execution.definition} steps={execution.steps} selected={line?.widget ?? execution.waits_in ?? undefined} label={`Path of ${execution.sid}`} />
        </section>
        <section class="side" aria-label="Steps">
          <h2>
            {execution.steps.length} step{execution.steps.length === 1 ? "" : "s"}
          </h2>
          <ol class="steps">
            {execution.steps.map((each) => (
              <li key={each.sid} class={each.parent ? "inside" : ""}>
                <button type="button" aria-expanded={number === each.number} onClick={() => setNumber(number === each.number ? null : each.number)}>
                  <span class="no">{each.number}</span>
                  <span class="what">
                    <b>{each.widget}</b> {each.event} <span class="to">→ {each.next}</span>
                  </span>
                  <span class="took">{duration(each.seconds)}</span>
                  {each.codes.length > 0 && <span class="code">{each.codes.join(", ")}</span>}
                </button>
                {number === each.number && <StepPanel step={step} type={each.type} />}
              </li>
            ))}
          </ol>
        </section>
      </div>
    </>
  );
}

function StepPanel({ step, type }: { step: Step | null; type: string }) {
  if (!step) return <p role="status">Loading…</p>;
  return (
    <div class="step">
      <p>
        {type}, left {clock(step.at)}
      </p>
      {step.log.map((entry) => (
        <p key={entry.message} class={`log ${entry.level}`}>
          {entry.level} {entry.code || ""}: {entry.message}
        </p>
      ))}
      <h3>Input</h3>
      <Value value={step.input} label="Input" />
      <h3>Output</h3>
      <Value value={step.output ?? null} label="Output" />
      <h3>Variables</h3>
      <Value value={step.variables ?? {}} label="Variables" />
    </div>
  );
}

function Value({ value, label }: { value: unknown; label: string }) {
  return (
    <pre tabIndex={0} role="region" aria-label={label}>
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}

function LinkedPanel({ linked, close }: { linked: Linked; close: () => void }) {
  return (
    <section class="linked" aria-label={`The ${linked.kind}`}>
      <h2>
        {linked.kind} <code>{linked.sid}</code>
      </h2>
      <button type="button" class="close" onClick={close}>
        Close
      </button>
      <dl>
        {Object.entries(linked.facts).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value || "—"}</dd>
          </div>
        ))}
      </dl>
      {linked.lines.length > 0 && (
        <ol class="talk">
          {linked.lines.map((each, index) => (
            <li key={index}>
              <b>{each.who}</b> {each.text} <time dateTime={each.at}>{clock(each.at)}</time>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
