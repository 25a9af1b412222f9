// Opens a chat while it is on screen and closes it afterwards.
// No spec rules here.
import type { Chat, Device } from '@sealwire/core';
import { useEffect, useState } from 'react';

export type OpenedChat =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly chat: Chat }
  | { readonly kind: 'failed'; readonly error: unknown };

export function useChat(device: Device, chatId: string): OpenedChat {
  const [opened, setOpened] = useState<OpenedChat>({ kind: 'opening' });
  useEffect(() => {
    let left = false;
    let held: Chat | undefined;
    setOpened({ kind: 'opening' });
    device.openChat(chatId).then(
      (chat) => {
        if (left) return chat.close();
        held = chat;
        setOpened({ kind: 'open', chat });
      },
      (error) => {
        if (!left) setOpened({ kind: 'failed', error });
      },
    );
    return () => {
      left = true;
      held?.close();
    };
  }, [device, chatId]);
  return opened;
}
