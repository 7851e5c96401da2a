/** What the agent says, in turn. */
export const AGENT_SCRIPT: readonly string[] = [
  'Hello! You are talking to the sandbox. How can I help?',
  'Thank you, I am looking into it.',
  'Good news: that works now. Is there anything else?',
  'You are welcome. Have a good day!',
];
