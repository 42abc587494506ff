import { useRef, useState } from "preact/hooks";
import { ClipIcon, SendIcon } from "./icons";
import { sendText } from "./wire";

const LIMIT = 1600;

/** Where the customer writes: a text, pictures, and the button that sends them. */
export function Composer({ from, to, disabled }: { from: string; to: string; disabled: boolean }) {
  const [body, setBody] = useState("");
  const [files, setFiles] = useState<File[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const chooser = useRef<HTMLInputElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const empty = body.trim() === "" && files.length === 0;

  async function send(): Promise<void> {
    if (empty || busy || disabled) {
      return;
    }
    setBusy(true);
    setProblem("");
    try {
      await sendText(from, to, body, files);
      setBody("");
      setFiles([]);
    } catch (error) {
      setProblem(error instanceof TypeError ? "The carrier cannot be reached. Your text is still here." : String(error));
    } finally {
      setBusy(false);
      field.current?.focus();
    }
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {problem && (
        <p class="problem" role="alert">
          {problem.replace(/^Error: /, "")}
        </p>
      )}
      {files.length > 0 && (
        <ul class="chosen">
          {files.map((file) => (
            <li key={file.name}>
              {file.name}
              <button
                type="button"
                aria-label={`Remove ${file.name}`}
                onClick={() => setFiles(files.filter((one) => one !== file))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="row">
        <button
          type="button"
          class="icon"
          aria-label="Attach a picture"
          title="Attach a picture"
          disabled={disabled}
          onClick={() => chooser.current?.click()}
        >
          <ClipIcon />
        </button>
        <input
          ref={chooser}
          type="file"
          accept="image/*,audio/*,video/mp4,application/pdf"
          multiple
          hidden
          aria-label="Picture"
          onChange={(event) => {
            setFiles([...files, ...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
        <textarea
          ref={field}
          rows={1}
          maxLength={LIMIT}
          placeholder="Text message"
          aria-label="Text message"
          value={body}
          disabled={disabled}
          onInput={(event) => setBody(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              void send();
            }
          }}
        />
        <button type="submit" class="icon send" aria-label="Send" title="Send" disabled={empty || busy || disabled}>
          <SendIcon />
        </button>
      </div>
    </form>
  );
}
