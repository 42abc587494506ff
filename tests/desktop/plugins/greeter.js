(() => {
  const { createElement } = window.React;
  class Greeter {
    constructor() { this.name = "GreeterPlugin"; }
    init(flex, manager) {
      const words = `Good day, ${manager.workerClient.attributes.full_name}`;
      flex.MainHeader.Content.add(createElement("p", { key: "greeting" }, words), { sortOrder: 1, align: "end" });
    }
  }
  window.Twilio.Flex.Plugins.init(Greeter);
})();
