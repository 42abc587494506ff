// Buttons that call functions of the contact centre's own, with the agent's token: park, bring back, hand over, add.
(() => {
  const { createElement } = window.React;

  class Functions {
    constructor() { this.name = "FunctionsPlugin"; }

    init(flex, manager) {
      const { functions_domain: domain } = manager.serviceConfiguration.ui_attributes.custom_data;

      const call = async (name, event) => {
        const { token } = manager.store.getState().flex.session.ssoTokenPayload;
        const answer = await fetch(`${domain}/${name}`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ ...event, Token: token }),
        });
        document.title = `${name}: ${answer.status}`;
      };

      const eventOf = async (task) => {
        const participants = await task.getParticipants(task.attributes.flexInteractionChannelSid);
        const me = participants.find((each) => each.mediaProperties?.identity === manager.conversationsClient.user.identity);
        return {
          interactionSid: task.attributes.flexInteractionSid,
          channelSid: task.attributes.flexInteractionChannelSid,
          conversationSid: task.attributes.conversationSid,
          participantSid: me.participantSid,
          taskAttributes: JSON.stringify(task.attributes),
          taskChannelUniqueName: task.taskChannelUniqueName,
          workspaceSid: manager.serviceConfiguration.taskrouter_workspace_sid,
          workflowSid: task.workflowSid,
          queueSid: task.queueSid,
        };
      };

      let parked = "";
      const button = (name, click) =>
        flex.TaskCanvasHeader.Content.add(createElement(Button, { key: name, name, click }), { sortOrder: -1 });
      const Button = ({ name, click, task }) =>
        createElement("button", { type: "button", onClick: () => click(task) }, name);

      button("Park", async (task) => {
        parked = task.attributes.conversationSid;
        await call("park", { ...(await eventOf(task)), unparkUrl: `${domain}/never` });
      });
      button("Add a colleague's customer", async (task) =>
        call("addParticipant", { ...(await eventOf(task)), media: { identity: "the neighbour" } }));
      button("Hand over", async (task) =>
        call("transfer", { ...(await eventOf(task)), targetSid: task.queueSid }));
      flex.MainHeader.Content.add(
        createElement("button", { key: "back", type: "button", onClick: () => call("unpark", { ConversationSid: parked }) },
          "Bring back"),
        { sortOrder: 1, align: "end" },
      );
    }
  }
  window.Twilio.Flex.Plugins.init(Functions);
})();
