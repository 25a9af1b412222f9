// The web app: shows a code for the phone to scan, then holds the same chats.
// No spec rules here.
import '@sealwire/ui/styles/index.css';
import { createSession, registerServiceWorker, SessionScreen } from '@sealwire/ui';
import { createRoot } from 'react-dom/client';
import { LinkThisBrowser } from './LinkThisBrowser.tsx';

const session = createSession();
session.start();
createRoot(document.getElementById('app')!).render(
  <SessionScreen session={session} place="browser" firstStart={<LinkThisBrowser session={session} />} />,
);
if (import.meta.env.PROD) void registerServiceWorker();
