// What contact centres do in a plugin: work accepted by itself, a chat channel of their own with an end of its own, and
// other orchestrations for some tasks.
(() => {
  const mine = (task) => task.channelType === "custom";

  class OwnWork {
    constructor() { this.name = "OwnWorkPlugin"; }

    init(flex, manager) {
      const { Actions, ChatOrchestrator, ChatOrchestratorEvent } = flex;

      manager.workerClient.on("reservationCreated", (reservation) => {
        if (reservation.task.attributes.autoAnswer === "true") {
          Actions.invokeAction("AcceptTask", { sid: reservation.sid });
          Actions.invokeAction("SelectTask", { sid: reservation.sid });
        }
      });

      const channel = flex.DefaultTaskChannels.createChatTaskChannel("custom", mine);
      channel.templates.TaskListItem.firstLine = (task) => `Our own channel: ${task.attributes.name}`;
      flex.TaskChannels.register(channel);

      const noted = (task, word) =>
        task.setAttributes({ ...task.attributes, ended: [...(task.attributes.ended ?? []), word] });
      Actions.replaceAction("WrapupTask", async (payload, original) => {
        if (!mine(payload.task)) return original(payload);
        await noted(payload.task, "wrapped up our way");
        return payload.task.wrapUp();
      });
      Actions.replaceAction("CompleteTask", async (payload, original) => {
        if (!mine(payload.task)) return original(payload);
        await noted(payload.task, "completed our way");
        return payload.task.complete();
      });

      const [wrapup, completed] = ["wrapup", "completed"].map((event) => ChatOrchestrator.getOrchestrations(event));
      ChatOrchestrator.setOrchestrations("wrapup", (task) =>
        mine(task) || task.attributes.staysOpen ? [] : wrapup);
      ChatOrchestrator.setOrchestrations("completed", (task) => {
        if (mine(task)) return [];
        return task.attributes.staysOpen ? [ChatOrchestratorEvent.LeaveConversation] : completed;
      });
    }
  }
  window.Twilio.Flex.Plugins.init(OwnWork);
})();
