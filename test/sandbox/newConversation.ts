/** What Genesys' legacy guest API needs to create a conversation. */
export const newConversation = {
  organizationId: 'org-1',
  deploymentId: 'chat-deployment-1',
  routingTarget: { targetType: 'QUEUE', targetAddress: 'Sales' },
  memberInfo: { displayName: 'Ada' },
};
