// How a code gets in: the camera inside the app, or the code as text.
// Rules: spec/link.md and spec/contacts.md (codes are scanned inside the app, never by the system's camera).
import { type FormEvent, useState } from 'react';
import { Icon } from './Icon.tsx';
import { Scanner } from './Scanner.tsx';

export interface CodeReaderProps {
  readonly onCode: (code: string) => void;
  /** Where the text comes from, one sentence. */
  readonly hint: string;
  /** Start with the field for text: a computer's camera is rarely at hand. */
  readonly textFirst?: boolean;
}

export function CodeReader({ onCode, hint, textFirst = false }: CodeReaderProps) {
  const [typing, setTyping] = useState(textFirst);
  if (typing) return <PasteCode hint={hint} onCode={onCode} onCamera={() => setTyping(false)} />;
  return (
    <>
      <Scanner onCode={onCode} />
      <div className="actions">
        <button type="button" className="button" onClick={() => setTyping(true)}>
          Paste the code as text
        </button>
      </div>
    </>
  );
}

function PasteCode(props: {
  readonly onCode: (code: string) => void;
  readonly onCamera: () => void;
  readonly hint: string;
}) {
  const [code, setCode] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.trim() !== '') props.onCode(code.trim());
  };
  return (
    <form className="form" onSubmit={submit}>
      <label className="field">
        <span>Code</span>
        <textarea
          // biome-ignore lint/a11y/noAutofocus: the person asked for this field a moment ago
          autoFocus
          className="code-text"
          rows={4}
          value={code}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          onChange={(event) => setCode(event.target.value)}
        />
        <small>{props.hint}</small>
      </label>
      <div className="actions">
        <button type="submit" className="button button-primary" disabled={code.trim() === ''}>
          Continue
        </button>
        <button type="button" className="button" onClick={props.onCamera}>
          <Icon name="camera" /> Use the camera
        </button>
      </div>
    </form>
  );
}
