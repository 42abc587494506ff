// The names that Flex UI and built plugins expect on the page. Plugins must share these very modules with Flex UI.
import React from "react";
import ReactDOM from "react-dom";
import * as ReactRedux from "react-redux";
import * as Redux from "redux";

Object.assign(window, { React, ReactDOM, Redux, ReactRedux });
