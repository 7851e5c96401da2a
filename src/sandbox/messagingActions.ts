import { asRecord, isText } from '../core/json.ts';
import type { SocketAction } from './faults.ts';
import { type MessagingFrame, refusal, response } from './messagingFrames.ts';
import type { MessagingSession, MessagingSessions } from './messagingSessions.ts';
import { randomId } from './replies.ts';
import type { SandboxSettings } from './settings.ts';
import type { GuestTokens, TokenForm } from './tokens.ts';

/** What the actions of a socket work on. */
export interface ActionWorld {
  readonly deploymentId: string;
  readonly sessions: MessagingSessions;
  /** JWTs of signed-in visitors, which configure a session. */
  readonly guests: GuestTokens;
  /** JWTs that read a session's history; their `externalId` is the session's UUID. */
  readonly historyTokens: GuestTokens;
  readonly now: () => number;
}

/** One request of a client. */
interface Ask {
  readonly frame: Readonly<Record<string, unknown>>;
  /** The client's UUID. */
  readonly token: string;
  /** The session that this socket is configured for. */
  readonly session: MessagingSession | undefined;
  readonly settings: SandboxSettings;
  /** What a JWT looks like in the answer. */
  readonly tokenForm: TokenForm;
}

export interface Outcome {
  readonly answer: MessagingFrame;
  /** The session that the socket belongs to from now on. */
  readonly joins?: MessagingSession;
  /** What the other sockets of the session get as well. */
  readonly isForAll?: boolean;
  /** Happens after the answer. */
  readonly afterwards?: () => void;
}

type Act = (world: ActionWorld, ask: Ask) => Outcome;

/** Genesys: the JWT for the history lives a minute. */
const HISTORY_JWT_SECONDS = 60;

export const actions: Readonly<Record<SocketAction, Act>> = {
  configureSession(world, ask) {
    const known = world.sessions.find(ask.token);
    if (known?.externalId !== undefined) return { answer: refusal(4017) };
    return configure(world, ask, known, undefined);
  },

  configureAuthenticatedSession(world, ask) {
    const jwt = asRecord(ask.frame.data).code;
    const guest = world.guests.check(`Bearer ${jwt}`, world.now());
    if (guest instanceof Response) return { answer: refusal(401) };
    const known = world.sessions.find(ask.token);
    const isAnothers = known?.externalId !== undefined && known.externalId !== guest.externalId;
    return isAnothers ? { answer: refusal(403) } : configure(world, ask, known, guest.externalId);
  },

  getJwt: inSession((world, session, { settings, tokenForm }) => {
    const { clockOffsetMs } = settings;
    const { token: jwt, expiresAtMs } = world.historyTokens.issue({
      externalId: session.token,
      visitorId: session.externalId ?? session.token,
      nowMs: world.now(),
      clockOffsetMs,
      lifeSeconds: Math.min(settings.tokenLifeSeconds, HISTORY_JWT_SECONDS),
      form: tokenForm,
    });
    const expMs = expiresAtMs + clockOffsetMs;
    const exp = tokenForm === 'exp-in-ms' ? expMs : expMs / 1000;
    return { answer: response('JwtResponse', { jwt, exp }) };
  }),

  echo: inSession((_world, _session, { frame }) => {
    const { text, metadata } = asRecord(frame.message);
    const body = { id: randomId(), type: 'Text', text, direction: 'Inbound', metadata };
    return { answer: response('StructuredMessage', body) };
  }),

  onMessage: inSession(({ sessions }, session, { frame }) => {
    const { text, metadata } = asRecord(frame.message);
    if (!isText(text)) return { answer: refusal(400) };
    return {
      answer: sessions.write(session, {
        text,
        direction: 'Inbound',
        originatingEntity: 'Human',
        ...(metadata !== undefined && { metadata }),
      }),
      isForAll: true,
      afterwards: () => sessions.answer(session),
    };
  }),
};

function configure(
  { deploymentId, sessions }: ActionWorld,
  { frame, token, settings }: Ask,
  known: MessagingSession | undefined,
  externalId: string | undefined,
): Outcome {
  const { startNew } = frame;
  if (frame.deploymentId !== deploymentId) return { answer: refusal(400) };
  if (known?.isOver && startNew !== true) return { answer: refusal(4006) };
  const isNew = known === undefined || startNew === true;
  const { sessionLifeSeconds, clockOffsetMs } = settings;
  const session = isNew ? sessions.start(token, externalId, sessionLifeSeconds) : known;
  // Signing in keeps the conversation.
  session.externalId = externalId;
  const body = {
    connected: true,
    newSession: isNew,
    readOnly: false,
    durationSeconds: sessionLifeSeconds,
    expirationDate: Math.floor((session.expiresAtMs + clockOffsetMs) / 1000),
  };
  return { answer: response('SessionResponse', body), joins: session };
}

/** For what needs a session that this socket is configured for. */
function inSession(act: (world: ActionWorld, session: MessagingSession, ask: Ask) => Outcome): Act {
  return (world, ask) => {
    const known = world.sessions.find(ask.token);
    if (known === undefined) return { answer: refusal(4007) };
    if (known.isOver) return { answer: refusal(4006) };
    return known === ask.session ? act(world, known, ask) : { answer: refusal(400) };
  };
}
