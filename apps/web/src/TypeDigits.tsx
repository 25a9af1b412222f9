// Asks for the six digits that the phone shows.
// Rules: spec/link.md.
import { type FormEvent, useState } from 'react';

const DIGITS = 6;

export function TypeDigits(props: {
  readonly onDigits: (digits: string) => void;
  readonly onCancel: () => void;
}) {
  const [digits, setDigits] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (digits.length === DIGITS) props.onDigits(digits);
  };
  return (
    <form className="form type-digits" onSubmit={submit}>
      <label className="field">
        <span>Six digits</span>
        <input
          // biome-ignore lint/a11y/noAutofocus: the phone shows the digits now, and nothing else is to do here
          autoFocus
          className="digits-input"
          inputMode="numeric"
          autoComplete="one-time-code"
          pattern="[0-9]{6}"
          placeholder="000000"
          value={digits}
          onChange={(event) => setDigits(event.target.value.replace(/[^0-9]/g, '').slice(0, DIGITS))}
        />
        <small>Your phone shows them now.</small>
      </label>
      <div className="actions">
        <button type="submit" className="button button-primary" disabled={digits.length !== DIGITS}>
          Continue
        </button>
        <button type="button" className="button" onClick={props.onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
