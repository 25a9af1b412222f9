// A button that copies a text, by the clipboard or, where that is not allowed, by selecting it.
// No spec rules here.
import { useRef, useState } from 'react';
import { Icon } from './Icon.tsx';

/** @param label - names the text for who cannot see it, and for tests. */
export function CopyText(props: {
  readonly text: string;
  readonly label: string;
  readonly children: string;
}) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    setCopied(await copyText(props.text, field.current));
  };
  return (
    <>
      <textarea
        ref={field}
        className="hidden"
        aria-label={props.label}
        readOnly
        tabIndex={-1}
        value={props.text}
      />
      <button type="button" className="button" onClick={() => void copy()}>
        <Icon name={copied ? 'check' : 'copy'} /> {copied ? 'Copied' : props.children}
      </button>
    </>
  );
}

async function copyText(text: string, field: HTMLTextAreaElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field?.select();
    return document.execCommand('copy');
  }
}
