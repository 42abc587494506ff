/** A flow as a graph: widgets at their published places, exits as lines, a path over it. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Definition, State, StepLine } from "./wire";

const WIDTH = 190;
const HEIGHT = 58;
const MARGIN = 40;

interface Place {
  x: number;
  y: number;
}

/** Widgets without a place stand in rows of four below the others. */
function places(states: State[]): Map<string, Place> {
  const found = new Map<string, Place>();
  let bottom = 0;
  for (const state of states) {
    const offset = state.properties?.offset;
    if (offset) {
      found.set(state.name, { x: offset.x, y: offset.y });
      bottom = Math.max(bottom, offset.y + 2 * HEIGHT);
    }
  }
  const free = states.filter((state) => !found.has(state.name));
  free.forEach((state, index) => {
    found.set(state.name, { x: (index % 4) * 260, y: bottom + Math.floor(index / 4) * 140 });
  });
  return found;
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

function line(from: Place, to: Place, position: number, count: number): string {
  const x = from.x + (WIDTH * (position + 1)) / (count + 1);
  const y = from.y + HEIGHT;
  const end = to.x + WIDTH / 2;
  const bend = Math.max(36, Math.abs(to.y - y) / 2);
  return `M${x},${y} C${x},${y + bend} ${end},${to.y - bend} ${end},${to.y}`;
}

export function Graph({
  definition,
  steps = [],
  selected,
  label,
}: {
  definition: Definition;
  steps?: StepLine[];
  selected?: string | undefined;
  label: string;
}) {
  const { states } = definition;
  const [whole, setWhole] = useState(false);
  const canvas = useRef<HTMLDivElement>(null);
  const at = useMemo(() => places(states), [definition]);
  const taken = useMemo(
    () => new Set(steps.filter((step) => !step.parent).map((step) => `${step.widget}\n${step.event}\n${step.next}`)),
    [steps],
  );
  const visited = useMemo(() => new Set(steps.filter((step) => !step.parent).map((step) => step.widget)), [steps]);
  const all = [...at.values()];
  const left = Math.min(...all.map((place) => place.x)) - MARGIN;
  const top = Math.min(...all.map((place) => place.y)) - MARGIN;
  const width = Math.max(...all.map((place) => place.x)) + WIDTH + MARGIN - left;
  const height = Math.max(...all.map((place) => place.y)) + HEIGHT + MARGIN - top;
  useEffect(() => {
    const place = selected === undefined ? undefined : at.get(selected);
    const box = canvas.current;
    if (!place || !box || whole) return;
    const x = place.x - left + (WIDTH - box.clientWidth) / 2;
    const y = place.y - top + (HEIGHT - box.clientHeight) / 2;
    box.scrollTo({ left: x, top: y });
  }, [selected, whole, at]);
  return (
    <div class="graph">
      <button type="button" class="whole" aria-pressed={whole} onClick={() => setWhole(!whole)}>
        Show the whole flow
      </button>
      <div class={whole ? "canvas all" : "canvas"} ref={canvas} tabIndex={0} role="region" aria-label={label}>
        <svg role="img" aria-label={`${label}: ${states.length} widgets`} viewBox={`${left} ${top} ${width} ${height}`} width={width} height={height}>
          <g class="lines">
            {states.map((state) => {
              const wired = state.transitions.filter((transition) => transition.next && at.has(transition.next));
              return wired.map((transition, position) => {
                const from = at.get(state.name);
                const to = at.get(transition.next ?? "");
                if (!from || !to) return null;
                const key = `${state.name}\n${transition.event}\n${transition.next}`;
                return (
                  <path key={`${key}\n${position}`} class={taken.has(key) ? "line taken" : "line"} d={line(from, to, position, wired.length)}>
                    <title>{`${state.name} ${transition.event} → ${transition.next}`}</title>
                  </path>
                );
              });
            })}
          </g>
          {states.map((state) => {
            const place = at.get(state.name);
            if (!place) return null;
            const kinds = ["widget", visited.has(state.name) && "visited", selected === state.name && "selected"];
            return (
              <g key={state.name} class={kinds.filter(Boolean).join(" ")} transform={`translate(${place.x},${place.y})`}>
                <title>{`${state.name} (${state.type})`}</title>
                <rect width={WIDTH} height={HEIGHT} rx="10" />
                <text x="12" y="24" class="name">
                  {cut(state.name, 22)}
                </text>
                <text x="12" y="43" class="type">
                  {cut(state.type, 27)}
                </text>
              </g>
            );
          })}
        </svg>
      </div>
    </div>
  );
}
