// The payloads that are checked: Slack's own types, put together as its methods
// take them. The fields of Message are the arguments of chat.postMessage,
// chat.update, chat.postEphemeral and of a response_url.
import type { HomeView, KnownBlock, MessageAttachment, ModalView } from '@slack/types';

export interface Message {
  channel?: string;
  user?: string;
  ts?: string;
  thread_ts?: string;
  reply_broadcast?: boolean;
  text?: string;
  blocks?: KnownBlock[];
  attachments?: MessageAttachment[];
  metadata?: { event_type: string; event_payload: { [name: string]: string | number | boolean } };
  unfurl_links?: boolean;
  unfurl_media?: boolean;
  mrkdwn?: boolean;
  parse?: 'none' | 'full';
  link_names?: boolean;
  username?: string;
  icon_emoji?: string;
  icon_url?: string;
  response_type?: 'in_channel' | 'ephemeral';
  replace_original?: boolean;
  delete_original?: boolean;
}

export type Modal = ModalView;

export type Home = HomeView;
