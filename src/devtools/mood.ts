import type { InspectedSession } from './sessionLog.ts';

/** How the sessions are doing, for a colour: the worst of them counts. */
export function moodOf(sessions: readonly Pick<InspectedSession, 'state'>[]): Mood {
  const moods = sessions.map(({ state }): Mood => {
    const { held, failure, acquisition } = state;
    if (failure && !held) return 'bad';
    if (failure || acquisition || held?.isRejected) return 'busy';
    return held ? 'good' : 'none';
  });
  return order.find((mood) => moods.includes(mood)) ?? 'none';
}

export type Mood = (typeof order)[number];

const order = ['bad', 'busy', 'good', 'none'] as const;
