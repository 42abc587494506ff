import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Phone } from "./phone";
import { fetchConfig, type Config } from "./wire";

const FALLBACK = ["+15550100001", "+15550100002"];
const NAMES = ["First phone", "Second phone"];

function Page() {
  const [config, setConfig] = useState<Config | null>(null);
  const [problem, setProblem] = useState("");
  const load = () => {
    setProblem("");
    fetchConfig().then(setConfig, (error: unknown) =>
      setProblem(error instanceof TypeError ? "The carrier cannot be reached." : String(error)),
    );
  };
  useEffect(load, []);

  return (
    <>
      <header class="page">
        <h1>Handsets</h1>
        <p>Two customers’ phones on the simulated carrier. What they write takes the road of any text message.</p>
      </header>
      <main>
        {problem && (
          <div class="trouble" role="alert">
            <p>{problem}</p>
            <button type="button" onClick={load}>
              Try again
            </button>
          </div>
        )}
        {config && (
          <div class="phones">
            {NAMES.map((name, position) => (
              <Phone
                key={name}
                name={name}
                start={
                  config.phones[position] ?? {
                    number: FALLBACK[position] ?? "+15550100003",
                    to: config.numbers[position]?.phone_number ?? config.numbers[0]?.phone_number ?? "",
                  }
                }
                numbers={config.numbers}
              />
            ))}
          </div>
        )}
        {!config && !problem && (
          <p class="loading" role="status">
            Connecting…
          </p>
        )}
      </main>
    </>
  );
}

const root = document.getElementById("page");
if (root) {
  render(<Page />, root);
}
