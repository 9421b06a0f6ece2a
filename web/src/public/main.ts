import { createApp } from "vue";
import "../shared/base.css";
import PageRoot from "./PageRoot.vue";

createApp(PageRoot).mount("#app");
